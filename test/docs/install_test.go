package docs_test

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

var (
	flagOfTheBinary = regexp.MustCompile(`(?m)^  -(\S+).*\n\s+(.*)$`)
	flagOfThePage   = regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (.*?) \\|")
	defaultValue    = regexp.MustCompile(`\(default "?(.*?)"?\)$`)
	kubernetesBuilt = regexp.MustCompile(`(?m)^\tk8s\.io/kubernetes v(\S+)`)
)

func TestTheFlagsOfTheBinaryAreThoseOfItsPage(t *testing.T) {
	documented := map[string]string{}
	for _, row := range flagOfThePage.FindAllStringSubmatch(page(t, "docs/install.md"), -1) {
		documented[row[1]] = row[2]
	}
	flags := flagsOfTheBinary(t)
	if got, want := slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(flags)); !slices.Equal(got, want) {
		t.Errorf("docs/install.md has the flags\n%v, and the binary\n%v", got, want)
	}
	for name, value := range flags {
		if !strings.Contains(documented[name], value) {
			t.Errorf("docs/install.md says that the default of --%s is %q; it is %q", name, documented[name], value)
		}
	}
}

// flagsOfTheBinary are its flags and, for those where --help says one, their defaults.
func flagsOfTheBinary(t *testing.T) map[string]string {
	t.Helper()
	binary, err := blackbox.Binary()
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.CommandContext(t.Context(), binary, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]string{}
	for _, found := range flagOfTheBinary.FindAllStringSubmatch(string(help), -1) {
		flags[found[1]] = ""
		if value := defaultValue.FindStringSubmatch(found[2]); value != nil {
			flags[found[1]] = value[1]
		}
	}
	if len(flags) < 10 {
		t.Fatalf("only %v were found in %s", flags, help)
	}
	return flags
}

func TestThePageNamesTheVersionOfKubernetesThatIsTested(t *testing.T) {
	built := kubernetesBuilt.FindStringSubmatch(page(t, "hack/controlplane/go.mod"))
	if built == nil {
		t.Fatal("hack/controlplane/go.mod does not require k8s.io/kubernetes")
	}
	if !strings.Contains(page(t, "docs/install.md"), "Kubernetes "+built[1]+",") {
		t.Errorf("docs/install.md does not name Kubernetes %s", built[1])
	}
}

var (
	presentVersion = regexp.MustCompile(`newTag: (\S+)`)
	ofARelease     = regexp.MustCompile(`(?:\?ref=|/releases/download/|/kubectl-aliascheck-|githubusercontent\.com/aliascheck/aliascheck/)(v\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)[.0-9]*)?)`)
)

func TestThePagesNameFilesOfThePresentVersion(t *testing.T) {
	present, named := presentVersion.FindStringSubmatch(page(t, "config/version/kustomization.yaml"))[1], 0
	for _, file := range filesOfTheRepository(t) {
		if path.Ext(file) != ".md" {
			continue
		}
		for _, found := range ofARelease.FindAllStringSubmatch(page(t, file), -1) {
			named++
			if found[1] != present {
				t.Errorf("%s has %s; the version is %s: run make set-version", file, found[0], present)
			}
		}
	}
	if named < 5 {
		t.Errorf("only %d were found", named)
	}
}

// What set-version writes is all that the test above asks for.
func TestSetVersionWritesTheVersionIntoEveryPage(t *testing.T) {
	const script, kustomization, version = "hack/set_version.sh", "config/version/kustomization.yaml", "v9.8.7-rc.1"
	tree := t.TempDir()
	for _, file := range filesOfTheRepository(t) {
		if path.Ext(file) == ".md" || file == script || file == kustomization {
			place(t, filepath.Join(tree, filepath.FromSlash(file)), page(t, file))
		}
	}
	if output, err := exec.CommandContext(t.Context(), "bash", filepath.Join(tree, filepath.FromSlash(script)), version).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, output)
	}
	named := 0
	for _, file := range filesOfTheRepository(t) {
		if path.Ext(file) == ".md" {
			for _, found := range ofARelease.FindAllStringSubmatch(written(t, tree, file), -1) {
				named++
				if found[1] != version {
					t.Errorf("%s still has %s", file, found[0])
				}
			}
		}
	}
	if named < 5 {
		t.Errorf("only %d were found", named)
	}
	if got := presentVersion.FindStringSubmatch(written(t, tree, kustomization)); got == nil || got[1] != version {
		t.Errorf("%s has %v", kustomization, got)
	}
}

func place(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// page is the text of a file of this repository.
func page(t *testing.T, path string) string {
	t.Helper()
	return written(t, controlplane.Root(), path)
}

// written is the text of a file of a tree.
func written(t *testing.T, tree, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
