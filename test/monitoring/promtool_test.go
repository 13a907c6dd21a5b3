// promtool takes minutes to build: `make test-monitoring` builds it and runs these tests, `make test` does not.
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

// built builds promtool. hack/test.sh has done that before, so that it costs nothing of the time that this package has.
var built = sync.OnceValues(func() ([]byte, error) {
	return exec.Command(filepath.Join(controlplane.Root(), "hack", "promtool.sh")).CombinedOutput()
})

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if output, err := built(); err != nil {
		t.Fatalf("building promtool: %v\n%s", err, output)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(controlplane.Root(), "bin", "promtool"), args...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}
