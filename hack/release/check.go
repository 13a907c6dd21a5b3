package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	sigsyaml "sigs.k8s.io/yaml"
)

const sumsFile = "SHA256SUMS"

// downloaded is the folder of a release, looked at as whoever has downloaded all of it does.
type downloaded struct {
	folder, version string
}

func checkCommand(ctx context.Context, args []string) error {
	var version string
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.StringVar(&version, "version", "", "version that the release has to be of")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || version == "" {
		return errors.New("usage: release check -version v1.2.3 folder")
	}
	if err := (downloaded{flags.Arg(0), version}).check(ctx); err != nil {
		return err
	}
	fmt.Println("checked", flags.Arg(0))
	return nil
}

// check tells of everything that is wrong, each with the file that it is about.
func (d downloaded) check(ctx context.Context) error {
	return errors.Join(
		about(sumsFile, d.checkSums()),
		about("install.yaml", d.checkManifests()),
		about(d.file("-config.tar.gz"), d.checkConfig()),
		about(d.file("-image.tar"), d.checkImage()),
		about("the krew manifest", d.checkPlugins(ctx)),
		about("the chart", d.checkChart()),
		about("notes.md", d.checkNotes()),
	)
}

func about(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// file is the name of one that has the version in it.
func (d downloaded) file(suffix string) string { return "aliascheck-" + d.version + suffix }

func (d downloaded) path(name string) string { return filepath.Join(d.folder, name) }

// checkSums compares each file with its checksum. All files have one.
func (d downloaded) checkSums() error {
	content, err := os.ReadFile(d.path(sumsFile))
	if err != nil {
		return err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(content)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	files, err := os.ReadDir(d.folder)
	if err != nil {
		return err
	}
	var wrong []error
	for _, file := range files {
		if strings.HasPrefix(file.Name(), sumsFile) { // it, and its signature
			continue
		}
		got, err := sumOf(d.path(file.Name()))
		if err == nil && got != sums[file.Name()] {
			err = fmt.Errorf("%s has the checksum %s, and not %q", file.Name(), got, sums[file.Name()])
		}
		wrong = append(wrong, err)
		delete(sums, file.Name())
	}
	for name := range sums {
		wrong = append(wrong, fmt.Errorf("%s is missing", name))
	}
	return errors.Join(wrong...)
}

func sumOf(path string) (string, error) {
	content, err := os.ReadFile(path)
	return hexSum(content), err
}

func hexSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// checkManifests: what is applied runs the image of this version, and the CRDs are the same in both files.
func (d downloaded) checkManifests() error {
	install, err := d.manifest("install.yaml")
	if err != nil {
		return err
	}
	crds, err := d.manifest("crds.yaml")
	if err != nil {
		return err
	}
	var wrong []error
	for _, o := range crds {
		if o.kind() != "CustomResourceDefinition" {
			wrong = append(wrong, fmt.Errorf("crds.yaml has %s", o.id()))
		}
	}
	for _, o := range without(crds, install) {
		wrong = append(wrong, fmt.Errorf("it lacks %s", o.id()))
	}
	deployments := 0
	for _, o := range install {
		if o.kind() == "Deployment" {
			deployments++
			wrong = append(wrong, d.checkDeployment(o))
		}
	}
	if deployments != 1 {
		wrong = append(wrong, fmt.Errorf("it has %d Deployments", deployments))
	}
	return errors.Join(wrong...)
}

func (d downloaded) manifest(name string) ([]object, error) {
	content, err := os.ReadFile(d.path(name))
	if err != nil {
		return nil, err
	}
	return objectsOf(content)
}

func (d downloaded) checkDeployment(o object) error {
	containers, _ := inside(o, "spec", "template", "spec")["containers"].([]any)
	for _, container := range containers {
		image := container.(map[string]any)["image"]
		if want := productImage + ":" + d.version; image != want {
			return fmt.Errorf("%s runs %v, and not %s", o.id(), image, want)
		}
	}
	if got := inside(o.metadata(), "labels")["app.kubernetes.io/version"]; got != d.version {
		return fmt.Errorf("%s is labelled as version %v", o.id(), got)
	}
	return nil
}

// checkConfig: the kustomizations that can be downloaded render what can be downloaded.
func (d downloaded) checkConfig() error {
	folder, err := os.MkdirTemp("", "aliascheck-config-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := unpack(d.path(d.file("-config.tar.gz")), folder); err != nil {
		return err
	}
	for name, kustomization := range map[string]string{"install.yaml": "config/default", "crds.yaml": "config/crd"} {
		got, err := render(filepath.Join(folder, kustomization))
		if err != nil {
			return err
		}
		want, err := os.ReadFile(d.path(name))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s renders something else than %s", kustomization, name)
		}
	}
	return nil
}

// checkPlugins: krew finds each archive as its manifest says, and that for this machine runs.
func (d downloaded) checkPlugins(ctx context.Context) error {
	manifests, err := filepath.Glob(d.path("*-krew.yaml"))
	if err != nil {
		return err
	}
	if len(manifests) != 1 {
		return fmt.Errorf("there are %d", len(manifests))
	}
	content, err := os.ReadFile(manifests[0])
	if err != nil {
		return err
	}
	var manifest krewPlugin
	if err := sigsyaml.UnmarshalStrict(content, &manifest); err != nil {
		return err
	}
	if manifest.Spec.Version != d.version || len(manifest.Spec.Platforms) == 0 {
		return fmt.Errorf("it is of version %s, for %d platforms", manifest.Spec.Version, len(manifest.Spec.Platforms))
	}
	var wrong []error
	for _, p := range manifest.Spec.Platforms {
		wrong = append(wrong, about(path.Base(p.URI), d.checkPlugin(ctx, p)))
	}
	return errors.Join(wrong...)
}

func (d downloaded) checkPlugin(ctx context.Context, p krewPlatform) error {
	archive := d.path(path.Base(p.URI))
	sum, err := sumOf(archive)
	if err != nil {
		return err
	}
	if sum != p.SHA256 {
		return fmt.Errorf("its checksum is %s, and not %s", sum, p.SHA256)
	}
	files, err := filesOfArchive(archive)
	if err != nil {
		return err
	}
	if len(files[p.Bin]) == 0 || len(files["LICENSE"]) == 0 {
		return fmt.Errorf("it lacks %s or LICENSE", p.Bin)
	}
	if p.Selector.MatchLabels["os"] != runtime.GOOS || p.Selector.MatchLabels["arch"] != runtime.GOARCH {
		return nil
	}
	return d.saysItsVersion(ctx, p.Bin, files[p.Bin])
}

func (d downloaded) saysItsVersion(ctx context.Context, name string, binary []byte) error {
	folder, err := os.MkdirTemp("", "aliascheck-plugin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, binary, 0o700); err != nil {
		return err
	}
	said, err := exec.CommandContext(ctx, file, "--version").CombinedOutput()
	if err == nil && !strings.Contains(string(said), d.version) {
		err = fmt.Errorf("%s --version says %q", name, said)
	}
	return err
}

// checkChart: Helm finds the version of the chart, and of what it installs.
func (d downloaded) checkChart() error {
	number := strings.TrimPrefix(d.version, "v")
	files, err := filesOfArchive(d.path("aliascheck-" + number + ".tgz"))
	if err != nil {
		return err
	}
	var chart struct{ Version, AppVersion string }
	if err := sigsyaml.Unmarshal(files["aliascheck/Chart.yaml"], &chart); err != nil {
		return err
	}
	if chart.Version != number || chart.AppVersion != d.version {
		return fmt.Errorf("it is of version %s, and installs %s", chart.Version, chart.AppVersion)
	}
	for _, name := range []string{"values.yaml", "values.schema.json", "README.md"} {
		if len(files["aliascheck/"+name]) == 0 {
			return fmt.Errorf("it lacks %s", name)
		}
	}
	return nil
}

func (d downloaded) checkNotes() error {
	notes, err := os.ReadFile(d.path("notes.md"))
	if err == nil && len(bytes.TrimSpace(notes)) == 0 {
		return errors.New("it is empty")
	}
	return err
}
