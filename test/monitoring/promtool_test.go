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

var folder = filepath.Join(controlplane.Root(), "config", "monitoring")

// ruleFile is a rule file of Prometheus, as far as it is read here.
type ruleFile struct {
	Groups []ruleGroup `json:"groups"`
}

type ruleGroup struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

type rule struct {
	Alert       string            `json:"alert,omitempty"`
	Record      string            `json:"record,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func TestTheAlertsFireAndAreSilentAsTheirTestsSay(t *testing.T) {
	promtool(t, "check", "rules", "--lint-fatal", filepath.Join(folder, "rules.yaml"))
	promtool(t, "test", "rules", filepath.Join(folder, "rules_test.yaml"))
}

func TestEveryAlertIsTriedFiringAndSilent(t *testing.T) {
	var tests struct {
		Tests []struct {
			AlertRuleTest []struct {
				AlertName string `json:"alertname"`
				ExpAlerts []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	read(t, "rules_test.yaml", &tests)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, tried := range test.AlertRuleTest {
			if len(tried.ExpAlerts) > 0 {
				fires[tried.AlertName] = true
			} else {
				silent[tried.AlertName] = true
			}
		}
	}
	for _, alert := range alerts(t) {
		if !fires[alert.Alert] || !silent[alert.Alert] {
			t.Errorf("%s is tried firing: %t, silent: %t; want both", alert.Alert, fires[alert.Alert], silent[alert.Alert])
		}
	}
}

func TestPrometheusTakesTheScrapeConfiguration(t *testing.T) {
	promtool(t, "check", "config", "--syntax-only", filepath.Join(folder, "prometheus.yaml"))
}

func TestEveryExpressionOfTheDashboardIsPromQL(t *testing.T) {
	var group ruleGroup
	group.Name = "dashboard"
	for _, expression := range expressions(t) {
		expression = strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*").Replace(expression)
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

func alerts(t *testing.T) []rule {
	t.Helper()
	var file ruleFile
	read(t, "rules.yaml", &file)
	var alerts []rule
	for _, group := range file.Groups {
		alerts = append(alerts, group.Rules...)
	}
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	return alerts
}

// read decodes a file of config/monitoring.
func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
