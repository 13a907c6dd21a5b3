package monitoring

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	Name     string `json:"name"`
	Interval string `json:"interval,omitempty"`
	Rules    []rule `json:"rules"`
}

type rule struct {
	Alert       string            `json:"alert,omitempty"`
	Record      string            `json:"record,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// testFile is a file of tests of promtool, as far as it is read here.
type testFile struct {
	Tests []struct {
		AlertRuleTest []struct {
			AlertName string `json:"alertname"`
			ExpAlerts []any  `json:"exp_alerts"`
		} `json:"alert_rule_test"`
	} `json:"tests"`
}

func TestEveryAlertIsTriedFiringAndSilent(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, name := range []string{"rules_test.yaml", "slo_test.yaml"} {
		var tests testFile
		read(t, name, &tests)
		for _, test := range tests.Tests {
			for _, tried := range test.AlertRuleTest {
				if len(tried.ExpAlerts) > 0 {
					fires[tried.AlertName] = true
				} else {
					silent[tried.AlertName] = true
				}
			}
		}
	}
	for _, alert := range alerts(t) {
		if !fires[alert.Alert] || !silent[alert.Alert] {
			t.Errorf("%s is tried firing: %t, silent: %t; want both", alert.Alert, fires[alert.Alert], silent[alert.Alert])
		}
	}
}

// runbooks is where the annotation runbook_url of each alert points to: a heading of docs/alerts.md.
const runbooks = "https://github.com/aliascheck/aliascheck/blob/main/docs/alerts.md#"

func TestEveryAlertHasOurPrefixASeverityAndARunbook(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(controlplane.Root(), "docs", "alerts.md"))
	if err != nil {
		t.Fatal(err)
	}
	severities := map[string]bool{"critical": true, "warning": true, "info": true}
	for _, alert := range alerts(t) {
		if !strings.HasPrefix(alert.Alert, "Aliascheck") {
			t.Errorf("%s does not begin with Aliascheck", alert.Alert)
		}
		if !severities[alert.Labels["severity"]] {
			t.Errorf("%s has severity %q", alert.Alert, alert.Labels["severity"])
		}
		if got, want := alert.Annotations["runbook_url"], runbooks+strings.ToLower(alert.Alert); got != want {
			t.Errorf("%s has runbook_url %q; want %q", alert.Alert, got, want)
		}
		if !strings.Contains(string(text), "\n## "+alert.Alert+"\n") {
			t.Errorf("docs/alerts.md has no section %s", alert.Alert)
		}
	}
}

// Whoever is paged for a check reads how to find out why.
func TestTheAlertsOfChecksNameTheCommandThatSaysWhy(t *testing.T) {
	const why = "Why: kubectl aliascheck -n {{ $labels.namespace }} why {{ $labels.kind }}/{{ $labels.name }}"
	for _, alert := range alerts(t) {
		ofCheck := strings.Contains(alert.Annotations["summary"], "{{ $labels.name }}")
		if got := alert.Annotations["description"]; ofCheck && got != why {
			t.Errorf("%s has description %q; want %q", alert.Alert, got, why)
		}
	}
}

func alerts(t *testing.T) []rule {
	t.Helper()
	alerts := slices.DeleteFunc(allRules(t), func(r rule) bool { return r.Alert == "" })
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	return alerts
}

// allRules are the alerts, and what is recorded for them and for the dashboard.
func allRules(t *testing.T) []rule {
	t.Helper()
	var file ruleFile
	read(t, "rules.yaml", &file)
	var rules []rule
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
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
