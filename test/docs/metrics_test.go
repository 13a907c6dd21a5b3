package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

var metricName = regexp.MustCompile(`"(aliascheck_[a-z_]+)"`)

func TestEveryMetricIsExplainedInItsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(controlplane.Root(), "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := metricsOfTheSource(t)
	if len(names) < 9 {
		t.Fatalf("only %v were found", names)
	}
	for name := range names {
		if !strings.Contains(string(page), "| `"+name+"` ") {
			t.Errorf("docs/metrics.md has no row for %s", name)
		}
	}
}

// metricsOfTheSource are the names in quotes in all that the manager is built from.
func metricsOfTheSource(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, part := range []string{"cmd", "controllers", "internal"} {
		err := filepath.WalkDir(filepath.Join(controlplane.Root(), part), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range metricName.FindAllStringSubmatch(string(source), -1) {
				names[found[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
