// promtool, amtool and prometheus take minutes to build: `make test-monitoring` builds them and runs these tests, `make test` does not.
//go:build promtool

package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

func TestTheAlertsFireAndAreSilentAsTheirTestsSay(t *testing.T) {
	promtool(t, "check", "rules", "--lint-fatal", filepath.Join(folder, "rules.yaml"))
	promtool(t, "test", "rules", filepath.Join(folder, "rules_test.yaml"), filepath.Join(folder, "slo_test.yaml"))
}

func TestPrometheusTakesTheScrapeConfiguration(t *testing.T) {
	promtool(t, "check", "config", "--syntax-only", filepath.Join(folder, "prometheus.yaml"))
}

func TestEveryExpressionOfTheDashboardIsPromQL(t *testing.T) {
	var group ruleGroup
	group.Name = "dashboard"
	for _, expression := range expressions(t) {
		expression = strings.NewReplacer("$__rate_interval", "5m", "$__range", "5m", "$namespace", ".*").Replace(expression)
		group.Rules = append(group.Rules, rule{Record: "panel", Expr: expression})
	}
	text, err := yaml.Marshal(ruleFile{Groups: []ruleGroup{group}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", path)
}

// builtTools builds promtool, amtool and prometheus. `make test-monitoring` has done that before, so that it costs nothing of the time that
// this package has.
var builtTools = sync.OnceValues(func() ([]byte, error) {
	return exec.Command(filepath.Join(controlplane.Root(), "hack", "promtool.sh")).CombinedOutput()
})

func tool(name string) string { return filepath.Join(controlplane.Root(), "bin", name) }

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if output, err := builtTools(); err != nil {
		t.Fatalf("building promtool: %v\n%s", err, output)
	}
	if output, err := exec.CommandContext(t.Context(), tool("promtool"), args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}
