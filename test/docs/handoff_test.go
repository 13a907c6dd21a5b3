package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// handoff is the configuration of a section of docs/handoff.md, as YAML that knows no field twice.
func handoff(t *testing.T, section string, into any) string {
	t.Helper()
	_, text, found := strings.Cut(page(t, "docs/handoff.md"), "\n## "+section)
	NewWithT(t).Expect(found).To(BeTrue(), section)
	_, text, found = strings.Cut(text, "```yaml\n")
	NewWithT(t).Expect(found).To(BeTrue(), section)
	text, _, _ = strings.Cut(text, "```\n")
	NewWithT(t).Expect(yaml.UnmarshalStrict([]byte(text), into)).To(Succeed(), section)
	return text
}

// What Alertmanager itself says of it is tried in test/monitoring.
func TestTheRouteOfTheHandoffIsForAlertsThatThereAre(t *testing.T) {
	g := NewWithT(t)
	route := handoff(t, "Alertmanager", &map[string]any{})
	var alerts []string
	for _, found := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(page(t, "config/monitoring/rules.yaml"), -1) {
		alerts = append(alerts, found[1])
	}
	matchers := regexp.MustCompile(`alertname =~? ("[^"]+"|\w+)`).FindAllStringSubmatch(route, -1)
	g.Expect(matchers).To(HaveLen(6))
	for _, matcher := range matchers {
		expression, err := regexp.Compile("^(?:" + strings.Trim(matcher[1], `"`) + ")$")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(slices.ContainsFunc(alerts, expression.MatchString)).To(BeTrue(), matcher[0])
		for alternative := range strings.SplitSeq(strings.Trim(matcher[1], `"`), "|") {
			name := regexp.MustCompile(`^\w+`).FindString(alternative)
			g.Expect(strings.Join(alerts, " ")).To(ContainSubstring(name))
		}
	}
}

func TestTheAlertOfFluxOfTheHandoffHasTheFieldsOfItsKind(t *testing.T) {
	var alert struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct{ Name, Namespace string }
		Spec       struct {
			ProviderRef   struct{ Name string }
			EventSeverity string
			EventSources  []struct{ Kind, Name string }
		}
	}
	handoff(t, "Flux", &alert)
	g := NewWithT(t)
	g.Expect(alert.APIVersion + " " + alert.Kind).To(Equal("notification.toolkit.fluxcd.io/v1beta3 Alert"))
	g.Expect(alert.Spec.ProviderRef.Name).NotTo(BeEmpty())
	g.Expect(alert.Spec.EventSeverity).To(BeElementOf("info", "error"))
	g.Expect(alert.Spec.EventSources).To(ConsistOf(HaveField("Kind", "Kustomization")))
}

// A trigger of Argo CD sends templates, which are those of Go, with the application.
func TestTheNotificationOfArgoCDOfTheHandoffSaysWhich(t *testing.T) {
	g := NewWithT(t)
	data := map[string]string{}
	handoff(t, "Argo CD", &data)
	var triggers []struct {
		When, OncePer string
		Send          []string
	}
	g.Expect(yaml.UnmarshalStrict([]byte(data["trigger.on-alias-critical"]), &triggers)).To(Succeed())
	g.Expect(triggers).To(ConsistOf(HaveField("When", "app.status.health.status == 'Degraded'")))
	g.Expect(triggers[0].Send).To(ConsistOf("app-degraded"))
	var notification struct{ Message string }
	g.Expect(yaml.UnmarshalStrict([]byte(data["template.app-degraded"]), &notification)).To(Succeed())
	message, err := template.New("").Option("missingkey=error").Parse(notification.Message)
	g.Expect(err).NotTo(HaveOccurred())
	said := &strings.Builder{}
	g.Expect(message.Execute(said, map[string]any{"app": map[string]any{"metadata": map[string]any{"name": "shop"}}})).To(Succeed())
	g.Expect(said.String()).To(Equal("shop is degraded: see its AliasChecks"))
}

// The collector itself is not run: its pipeline joins parts that there are, and keeps what the manager writes.
func TestThePipelineOfOpenTelemetryOfTheHandoffKeepsOurEvents(t *testing.T) {
	g := NewWithT(t)
	var collector struct {
		Receivers, Exporters map[string]any
		Processors           map[string]struct {
			Logs map[string][]string `json:"logs"`
		}
		Service struct {
			Pipelines map[string]struct{ Receivers, Processors, Exporters []string }
		}
	}
	text := handoff(t, "OpenTelemetry", &collector)
	logs := collector.Service.Pipelines["logs"]
	g.Expect(logs.Receivers).To(ConsistOf("k8sobjects"))
	g.Expect(collector.Receivers).To(HaveKey(logs.Receivers[0]))
	g.Expect(collector.Processors).To(HaveKey(logs.Processors[0]))
	g.Expect(collector.Exporters).To(HaveKey(logs.Exporters[0]))
	g.Expect(text).To(ContainSubstring("{name: events, group: events.k8s.io, mode: watch}"))
	g.Expect(collector.Processors[logs.Processors[0]].Logs["log_record"]).To(ConsistOf(`body["object"]["reportingController"] != "aliascheck"`),
		"a filter drops what it matches")
	g.Expect(page(t, "cmd/manager/events.go")).To(ContainSubstring(`reportingController = "aliascheck"`))
	g.Expect(page(t, "docs/handoff.md")).To(ContainSubstring("reason `StateChanged`"))
}
