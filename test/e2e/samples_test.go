package e2e

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
)

func TestEverySampleIsValid(t *testing.T) {
	t.Run("kustomization", func(t *testing.T) {
		kubectl(t, "apply", "-k", filepath.Join(controlplane.Root(), "config", "samples"))
	})
	for _, file := range samples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			createNamespaces(t, file)
			apply(t, file, "--dry-run=server")
			expectNothingOf(t, file)
			apply(t, file)
		})
	}
}

func TestTheKustomizationHasEverySample(t *testing.T) {
	folder := filepath.Join(controlplane.Root(), "config", "samples")
	content, err := os.ReadFile(filepath.Join(folder, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range samples(t) {
		listed := strings.Contains(string(content), "\n- "+filepath.Base(file)+"\n")
		if demo := filepath.Dir(file) != folder; listed == demo {
			t.Errorf("%s: listed is %t, and it is of the demo: %t", file, listed, demo)
		}
	}
}

func TestThereIsASampleOfEverySource(t *testing.T) {
	for _, source := range []string{"http", "tcp", "grpc", "udp", "dns", "heartbeat", "job"} {
		mustHaveSample(t, "healthcheck_"+source+".yaml")
	}
}

func TestThereIsASampleOfEveryTarget(t *testing.T) {
	for _, target := range []string{
		"healthcheck", "aliascheck", "service", "node", "selector", "deployment", "condition", "conditions", "targets", "minready",
		"health", "conditionstatus",
	} {
		mustHaveSample(t, "aliascheck_"+target+".yaml")
	}
}

// Who applies a sample as it is must not take what it shows for a broken installation.
func TestEverySampleSaysWhatItNeedsAndWhatItShows(t *testing.T) {
	for _, file := range samples(t) {
		if filepath.Base(filepath.Dir(file)) == "demo" {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, document := range strings.Split(string(content), "\n---\n") {
			header, _, _ := strings.Cut(document, "apiVersion:")
			isFirst, isOfItsOwn := i == 0, strings.Contains(header, "# Needs: ")
			if (isFirst || isOfItsOwn) && (!isOfItsOwn || !strings.Contains(header, "\n# As it is: ")) {
				t.Errorf("%s: a header lacks what it needs, or what one sees as it is:\n%s", filepath.Base(file), header)
			}
		}
	}
}

func mustHaveSample(t *testing.T, name string) {
	t.Helper()
	if !slices.ContainsFunc(samples(t), func(file string) bool { return filepath.Base(file) == name }) {
		t.Errorf("there is no %s", name)
	}
}

// createNamespaces creates those that a sample brings: a dry run cannot put anything into a namespace that is not
// there.
func createNamespaces(t *testing.T, file string) {
	t.Helper()
	for _, object := range objectsOf(t, file) {
		if object.GetKind() == "Namespace" {
			kubectl(t, "create", "namespace", object.GetName())
		}
	}
}

// expectNothingOf a sample's checks, since what a dry run leaves behind is no dry run's.
func expectNothingOf(t *testing.T, file string) {
	t.Helper()
	for _, object := range objectsOf(t, file) {
		clusterScoped := object.GetKind() == "HealthRule" // the kustomization, which was applied before, has it too
		if object.GroupVersionKind().Group != v1alpha1.GroupVersion.Group || clusterScoped {
			continue
		}
		namespace := cmp.Or(object.GetNamespace(), "default")
		args := []string{"get", object.GetKind(), object.GetName(), "--namespace", namespace, "--ignore-not-found"}
		if found := kubectl(t, args...); found != "" {
			t.Errorf("the dry run left:\n%s", found)
		}
	}
}

func objectsOf(t *testing.T, file string) []unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), len(content))
	var objects []unstructured.Unstructured
	for {
		var object unstructured.Unstructured
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
}

// apply lets a typo fail: unknown fields are refused and not dropped.
func apply(t *testing.T, file string, options ...string) {
	t.Helper()
	kubectl(t, append([]string{"apply", "--server-side", "--validate=strict", "-f", file}, options...)...)
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	command, err := plane.Kubectl(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
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
