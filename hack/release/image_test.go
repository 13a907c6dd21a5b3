package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	spdxjson "github.com/spdx/tools-golang/json"
	"sigs.k8s.io/yaml"
)

var bothPlatforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}}

// product is a copy of a small product in a folder of its own, so that two of them have different paths.
func product(t *testing.T) source {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(filepath.Join("testdata", "product"))); err != nil {
		t.Fatal(err)
	}
	return source{root: root, revision: "0123abc", time: time.Unix(1_700_000_000, 0).UTC()}
}

func writtenImage(t *testing.T, s source) imageOptions {
	t.Helper()
	o := imageOptions{
		name: "example.com/product", version: "v1.2.3", pkgs: []string{"./cmd/manager", "./cmd/kubectl-hello"}, platforms: bothPlatforms,
		archive: filepath.Join(t.TempDir(), "product.tar"),
	}
	if _, err := writeImage(t.Context(), s, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// Without -trimpath, with the state of the work tree, or with a time of this machine, this fails.
func TestTwoBuildsInDifferentFoldersAreTheSameBytes(t *testing.T) {
	one, other := writtenImage(t, product(t)), writtenImage(t, product(t))
	same(t, one.archive, other.archive)
	for _, p := range bothPlatforms {
		same(t, sbomPath(one, p), sbomPath(other, p))
	}
}

func same(t *testing.T, one, other string) {
	t.Helper()
	if !bytes.Equal(content(t, one), content(t, other)) {
		t.Errorf("%s and %s differ", one, other)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	read, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestAnImageIsTheManagerAndThePluginAndRunsTheManagerAsNobody(t *testing.T) {
	o := writtenImage(t, product(t))
	index := indexOf(t, o.archive)
	if err := validate.Index(index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != len(bothPlatforms) {
		t.Fatalf("%d images; want one for each of %v", len(manifest.Manifests), bothPlatforms)
	}
	if got := manifest.Annotations["org.opencontainers.image.version"]; got != o.version {
		t.Errorf("the index says that its version is %q", got)
	}
	for i, p := range bothPlatforms {
		image, err := index.Image(manifest.Manifests[i].Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, image, manifest.Manifests[i].Platform, p)
	}
}

func checkImage(t *testing.T, image v1.Image, described *v1.Platform, p platform) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if described.Architecture != p.arch || config.Architecture != p.arch || config.OS != p.os {
		t.Errorf("described as %v, configured for %s/%s; want %s", described, config.OS, config.Architecture, p)
	}
	if config.Config.User != "65532:65532" || len(config.Config.Entrypoint) != 1 || config.Config.Entrypoint[0] != "/manager" {
		t.Errorf("runs %v as %q", config.Config.Entrypoint, config.Config.User)
	}
	for label, want := range map[string]string{
		"org.opencontainers.image.version":  "v1.2.3",
		"org.opencontainers.image.revision": "0123abc",
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.created":  "2023-11-14T22:13:20Z",
	} {
		if got := config.Config.Labels[label]; got != want {
			t.Errorf("label %s is %q; want %q", label, got, want)
		}
	}
	binaries := filesOf(t, image)
	if p.arch == runtime.GOARCH {
		if got := output(t, binaries["manager"]); got != "v1.2.3\n" {
			t.Errorf("the binary says that its version is %q", got)
		}
	}
}

// filesOf are the files of an image by their names, written to disk: its two binaries, and nothing else.
func filesOf(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers: %v", len(layers), err)
	}
	layer, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer layer.Close()
	found, folder := map[string]string{}, t.TempDir()
	for files := tar.NewReader(layer); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Mode != 0o555 || header.Uid != 0 {
			t.Errorf("%s has mode %o, and is of user %d", header.Name, header.Mode, header.Uid)
		}
		body, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = filepath.Join(folder, header.Name)
		if err := os.WriteFile(found[header.Name], body, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) != 2 || found["manager"] == "" || found["kubectl-hello"] == "" {
		t.Errorf("its files are %v", found)
	}
	return found
}

func output(t *testing.T, binary string) string {
	t.Helper()
	printed, err := exec.CommandContext(t.Context(), binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(printed)
}

// indexOf is what is in an archive.
func indexOf(t *testing.T, path string) v1.ImageIndex {
	t.Helper()
	index, reference, err := readArchive(path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if reference != "example.com/product:v1.2.3" {
		t.Errorf("containerd would call it %q", reference)
	}
	return index
}

// This program's own binary has modules in it, which the small product has not.
func TestTheBillOfMaterialsNamesEveryModuleOfTheBinary(t *testing.T) {
	s, err := findSource(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	o := imageOptions{
		name: "example.com/release", version: "v1.2.3", pkgs: []string{"."}, platforms: []platform{{"linux", runtime.GOARCH}},
		archive: filepath.Join(t.TempDir(), "release.tar"),
	}
	if _, err := writeImage(t.Context(), s, o); err != nil {
		t.Fatal(err)
	}
	written := content(t, sbomPath(o, o.platforms[0]))
	document, err := spdxjson.Read(bytes.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	if document.SPDXVersion != "SPDX-2.3" || document.DataLicense != "CC0-1.0" {
		t.Errorf("it is %s, %s", document.SPDXVersion, document.DataLicense)
	}
	names := map[string]bool{}
	for _, one := range document.Packages {
		names[one.PackageName] = true
	}
	for _, want := range []string{"stdlib", "github.com/google/go-containerregistry", "github.com/spdx/tools-golang"} {
		if !names[want] {
			t.Errorf("%s is missing", want)
		}
	}
	if len(document.Relationships) != len(document.Packages) {
		t.Errorf("%d relations of %d packages", len(document.Relationships), len(document.Packages))
	}
	if !json.Valid(written) || !strings.Contains(string(written), "pkg:golang/github.com/google/go-containerregistry@v") {
		t.Error("no package URL")
	}
}

func TestEachPluginHasAnArchiveForEachPlatform(t *testing.T) {
	out := t.TempDir()
	if err := writePlugins(t.Context(), product(t), "v1.2.3", out, []platform{{"linux", "amd64"}, {"windows", "amd64"}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kubectl-hello-v1.2.3-linux-amd64.tar.gz", "kubectl-hello-v1.2.3-windows-amd64.zip"} {
		if len(content(t, filepath.Join(out, name))) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	var manifest krewPlugin
	if err := yaml.UnmarshalStrict(content(t, filepath.Join(out, "kubectl-hello-v1.2.3-krew.yaml")), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Metadata.Name != "hello" || manifest.Spec.Version != "v1.2.3" || len(manifest.Spec.Platforms) != 2 {
		t.Errorf("the manifest for krew is %+v", manifest)
	}
	for _, p := range manifest.Spec.Platforms {
		sum := sha256.Sum256(content(t, filepath.Join(out, path.Base(p.URI))))
		if p.SHA256 != hex.EncodeToString(sum[:]) || !strings.HasPrefix(p.Bin, "kubectl-hello") {
			t.Errorf("the manifest for krew has %+v", p)
		}
	}
}
