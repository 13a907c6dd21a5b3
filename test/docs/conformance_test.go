package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// notOfObjects are the reasons that no case can have: a case is objects only.
var notOfObjects = map[string]string{
	"ReadError": "the API server has to fail",
}

// The pages say that what they promise is in the conformance table.
func TestEveryReasonOfAnAliasHasACase(t *testing.T) { everyReasonHasACase(t, "AliasCheck", 20) }

func TestEveryReasonOfAHealthCheckHasACase(t *testing.T) { everyReasonHasACase(t, "HealthCheck", 15) }

func everyReasonHasACase(t *testing.T, kind string, atLeast int) {
	t.Helper()
	cases := allCases(t)
	reasons := reasonsOf(t, kind)
	if len(reasons) < atLeast {
		t.Fatalf("only %v were found", reasons)
	}
	for _, reason := range reasons {
		expected := regexp.MustCompile(`\b(reason|stalledReason): ` + reason + `\b`).MatchString(cases)
		if why, excused := notOfObjects[reason]; expected == excused {
			t.Errorf("%s: expected by a case is %t; no case can have it is %t: %s", reason, expected, excused, why)
		}
	}
}

// reasonsOf are the headings of the part on a kind in the troubleshooting page.
func reasonsOf(t *testing.T, kind string) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(controlplane.Root(), "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(page), "\n## "+kind+"\n")
	part, _, _ = strings.Cut(part, "\n## ")
	var reasons []string
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "### ") {
			continue
		}
		for _, found := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(line, -1) {
			reasons = append(reasons, found[1])
		}
	}
	return reasons
}

func allCases(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(controlplane.Root(), "test", "conformance", "cases", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}
