package samples_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

func TestEverySampleIsValid(t *testing.T) {
	cp, err := controlplane.Start(controlplane.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, file := range samples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			apply(t, cp, file)
		})
	}
}

func TestThereIsASampleOfEverySource(t *testing.T) {
	for _, source := range []string{"http", "tcp", "grpc", "udp", "heartbeat", "job"} {
		mustHaveSample(t, "healthcheck_"+source+".yaml")
	}
}

func TestThereIsASampleOfEveryTarget(t *testing.T) {
	for _, target := range []string{
		"healthcheck", "aliascheck", "service", "node", "selector", "deployment", "condition",
	} {
		mustHaveSample(t, "aliascheck_"+target+".yaml")
	}
}

func mustHaveSample(t *testing.T, name string) {
	t.Helper()
	if !slices.ContainsFunc(samples(t), func(file string) bool { return filepath.Base(file) == name }) {
		t.Errorf("there is no %s", name)
	}
}

// apply lets a typo fail: unknown fields are refused and not dropped.
func apply(t *testing.T, cp *controlplane.ControlPlane, file string) {
	t.Helper()
	args := []string{"apply", "--server-side", "--validate=strict", "-f", file}
	kubectl, err := cp.Kubectl(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	if output, err := kubectl.CombinedOutput(); err != nil {
		t.Errorf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

// samples are the manifests below config/samples, without what only kustomize reads.
func samples(t *testing.T) []string {
	t.Helper()
	var files []string
	root := filepath.Join(controlplane.Root(), "config", "samples")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".yaml" && entry.Name() != "kustomization.yaml" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
