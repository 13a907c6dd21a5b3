// It packages the chart with helm: `make test-chart` builds that and runs this test, `make test` does not.
//go:build helm

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var tagOfTheImage = regexp.MustCompile(`newTag: (v\S+)`)

// released is what hack/release.sh writes, of the small product beside the kustomizations and the changelog of this one.
func released(t *testing.T) downloaded {
	t.Helper()
	tree, root := product(t).root, filepath.Join("..", "..")
	for _, folder := range []string{"config", filepath.Join("charts", "aliascheck")} {
		if err := os.CopyFS(filepath.Join(tree, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	plugins := filepath.Join(tree, "cmd", "kubectl-")
	if err := os.Rename(plugins+"hello", plugins+"aliascheck"); err != nil { // what the image has in it
		t.Fatal(err)
	}
	place(t, filepath.Join(tree, "CHANGELOG.md"), content(t, filepath.Join(root, "CHANGELOG.md")))
	place(t, filepath.Join(tree, "hack", "release.sh"), content(t, filepath.Join(root, "hack", "release.sh")))
	place(t, filepath.Join(tree, "hack", "helm.sh"), []byte("#!/bin/sh\n")) // it is built already
	if output, err := builtHelm(); err != nil {
		t.Fatalf("building helm: %v: %s", err, output)
	}
	place(t, filepath.Join(tree, "bin", "helm"), content(t, filepath.Join(root, "bin", "helm")))
	execute(t, ".", "go", "build", "-o", filepath.Join(tree, "bin", "release"), ".")

	version := string(tagOfTheImage.FindSubmatch(content(t, filepath.Join(config, "version", "kustomization.yaml")))[1])
	t.Setenv("RELEASE_PLATFORMS", "linux/"+runtime.GOARCH)
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	execute(t, tree, filepath.Join("hack", "release.sh"), version)
	return downloaded{filepath.Join(tree, "dist", version), version}
}

func place(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, output)
	}
}

func TestAReleaseIsWhole(t *testing.T) {
	d := released(t) // which ends with its check
	entries, err := os.ReadDir(d.folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	plugin, p := "kubectl-aliascheck-"+d.version, "linux-"+runtime.GOARCH
	want := []string{
		sumsFile, d.file("-config.tar.gz"), d.file("-image-" + p + ".spdx.json"), d.file("-image.tar"),
		"aliascheck-" + strings.TrimPrefix(d.version, "v") + ".tgz", "crds.yaml", "install.yaml",
		plugin + "-krew.yaml", plugin + "-" + p + ".tar.gz", "notes.md",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("it is\n%v; want\n%v", got, want)
	}
	d.isVerifiedAsUsersDo(t)
	for name, fault := range map[string]struct{ file, old, new, says string }{
		"other notes":          {"notes.md", "The first", "The second", "notes.md has the checksum"},
		"another image":        {"install.yaml", productImage + ":", "example.com/other:", "runs example.com/other:"},
		"another label":        {"install.yaml", "app.kubernetes.io/version: v", "app.kubernetes.io/version: w", "labelled as version w"},
		"other kustomizations": {"crds.yaml", "served: true", "served: false", "config/crd renders something else than crds.yaml"},
		"a CRD of its own":     {"crds.yaml", "name: healthchecks.", "name: sickchecks.", "it lacks CustomResourceDefinition"},
		"another plugin":       {plugin + "-krew.yaml", "sha256: ", "sha256: 0", "its checksum is"},
		"other binaries":       {d.file("-image-" + p + ".spdx.json"), `"checksumValue": "`, `"checksumValue": "0`, "does not describe "},
	} {
		t.Run(name, func(t *testing.T) { d.tellsOf(t, fault.file, fault.old, fault.new, fault.says) })
	}
}

var sumsOfThePage = regexp.MustCompile(`(?m)^    (sha256sum .*)$`)

// isVerifiedAsUsersDo by the command of RELEASE.md, which is about what they have downloaded.
func (d downloaded) isVerifiedAsUsersDo(t *testing.T) {
	t.Helper()
	command := string(sumsOfThePage.FindSubmatch(content(t, filepath.Join("..", "..", "RELEASE.md")))[1])
	folder := t.TempDir()
	for _, name := range []string{sumsFile, "install.yaml"} {
		place(t, filepath.Join(folder, name), content(t, filepath.Join(d.folder, name)))
	}
	execute(t, folder, "bash", "-c", command)
	place(t, filepath.Join(folder, "install.yaml"), []byte("kind: Another\n"))
	other := exec.CommandContext(t.Context(), "bash", "-c", command)
	other.Dir = folder
	if output, err := other.CombinedOutput(); err == nil || !strings.Contains(string(output), "install.yaml: FAILED") {
		t.Errorf("%s of another install.yaml: %v: %s", command, err, output)
	}
}

// tellsOf a file that is not what it was.
func (d downloaded) tellsOf(t *testing.T, file, old, replacement, says string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "release")
	if err := os.CopyFS(folder, os.DirFS(d.folder)); err != nil {
		t.Fatal(err)
	}
	before := content(t, filepath.Join(folder, file))
	after := bytes.ReplaceAll(before, []byte(old), []byte(replacement))
	if bytes.Equal(before, after) {
		t.Fatalf("%s does not have %q", file, old)
	}
	place(t, filepath.Join(folder, file), after)
	if err := (downloaded{folder, d.version}).check(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("it is told: %v", err)
	}
}
