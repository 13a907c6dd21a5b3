package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

var (
	invariantRow    = regexp.MustCompile(`(?m)^\| (I\d+) \| .* \| (.*) \|$`)
	testsOfAPackage = regexp.MustCompile("`([a-z/]+)`: ([^;]*)")
	nameOfATest     = regexp.MustCompile("`Test\\w+`|\"[^\"]+\"")
	invariant       = regexp.MustCompile(`I\d+`)
)

func TestTheInvariantsNameTestsThatAreThere(t *testing.T) {
	rows := invariantRow.FindAllStringSubmatch(page(t, "docs/architecture.md"), -1)
	if len(rows) != 10 {
		t.Fatalf("docs/architecture.md has %d invariants, want I1 to I10", len(rows))
	}
	for _, row := range rows {
		t.Run(row[1], func(t *testing.T) {
			named := 0
			for _, group := range testsOfAPackage.FindAllStringSubmatch(row[2], -1) {
				source := testsOf(t, group[1])
				for _, name := range nameOfATest.FindAllString(group[2], -1) {
					named++
					if !strings.Contains(source, declaration(name)) {
						t.Errorf("%s has no test %s", group[1], name)
					}
					if !slices.Contains(invariant.FindAllString(name, -1), row[1]) {
						t.Errorf("%s does not bear the number of its invariant", name)
					}
				}
			}
			if named == 0 {
				t.Error("it names no test")
			}
		})
	}
}

// declaration is how a test begins in its source: a spec of Ginkgo, which is in quotes, or a function.
func declaration(name string) string {
	if function, ok := strings.CutPrefix(name, "`"); ok {
		return "func " + strings.TrimSuffix(function, "`") + "("
	}
	return "(" + name + ","
}

// testsOf is the source of all tests of a package.
func testsOf(t *testing.T, folder string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(controlplane.Root(), filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	return source.String()
}
