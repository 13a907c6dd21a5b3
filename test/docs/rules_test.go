package docs_test

import (
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// The three worked examples, in the order of the page, with objects and what each is to show.
var workedExamples = []struct {
	name  string
	wants map[string]v1alpha1.State // by the object; empty where no rule holds
}{
	{"HealthRule elasticsearches.elasticsearch.k8s.elastic.co", map[string]v1alpha1.State{
		`status: {health: red, phase: Ready}`:    v1alpha1.StateCritical,
		`status: {health: yellow, phase: Ready}`: v1alpha1.StateWarning,
		`status: {health: green, phase: Ready}`:  v1alpha1.StatePassing,
		`status: {health: unknown}`:              "",
		`spec: {version: 9.2.0}`:                 "",
	}},
	{"HealthRule applications.argoproj.io", map[string]v1alpha1.State{
		`status: {health: {status: Healthy}, sync: {status: Synced}}`:                                                v1alpha1.StatePassing,
		`status: {health: {status: Healthy}, sync: {status: OutOfSync}}`:                                             v1alpha1.StateWarning,
		`status: {health: {status: Degraded}, sync: {status: Synced}}`:                                               v1alpha1.StateCritical,
		`status: {health: {status: Missing}, sync: {status: OutOfSync}}`:                                             v1alpha1.StateCritical,
		`status: {health: {status: Suspended}, sync: {status: Synced}}`:                                              v1alpha1.StateUnknown,
		`status: {health: {status: Healthy}, sync: {status: Synced}, conditions: [{type: ComparisonError}]}`:         v1alpha1.StateCritical,
		`status: {health: {status: Healthy}, sync: {status: Synced}, conditions: [{type: OrphanedResourceWarning}]}`: v1alpha1.StatePassing,
		`status: {health: {status: Progressing}, sync: {status: Synced}}`:                                            "",
		`status: {}`: "",
	}},
	{"AliasCheck queue", map[string]v1alpha1.State{
		`{spec: {limit: 10}, status: {consumers: 0, waiting: 3}}`:  v1alpha1.StateCritical,
		`{spec: {limit: 10}, status: {consumers: 2, waiting: 11}}`: v1alpha1.StateWarning,
		`{spec: {limit: 10}, status: {consumers: 2, waiting: 3}}`:  v1alpha1.StatePassing,
		`{spec: {}, status: {consumers: 2}}`:                       v1alpha1.StatePassing,
		`{spec: {limit: 10}, status: {}}`:                          "",
	}},
}

func TestTheWorkedExamplesOfHealthRulesSayWhatTheyAreToSay(t *testing.T) {
	examples := rulesOfThePage(t)
	NewWithT(t).Expect(examples).To(HaveLen(len(workedExamples)), "each example of the page is tried")
	for _, example := range workedExamples {
		t.Run(example.name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(examples).To(HaveKey(example.name))
			set, err := rules.Compile(examples[example.name])
			g.Expect(err).NotTo(HaveOccurred())
			for text, want := range example.wants {
				object := map[string]any{}
				g.Expect(yaml.Unmarshal([]byte(text), &object)).To(Succeed())
				g.Expect(set.Evaluate(object).State).To(Equal(want), text)
			}
		})
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// rulesOfThePage are the rules of all HealthRules and aliases with rules in it, each by kind and name.
func rulesOfThePage(t *testing.T) map[string][]v1alpha1.Rule {
	t.Helper()
	found := map[string][]v1alpha1.Rule{}
	for _, block := range yamlBlock.FindAllStringSubmatch(page(t, "docs/aliascheck.md"), -1) {
		object := struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				Rules     []v1alpha1.Rule
				TargetRef struct{ Health []v1alpha1.Rule }
			}
		}{}
		if yaml.Unmarshal([]byte(block[1]), &object) != nil || object.Metadata.Name == "" {
			continue // a fragment, which is no object
		}
		if list := append(object.Spec.Rules, object.Spec.TargetRef.Health...); len(list) > 0 {
			found[object.Kind+" "+object.Metadata.Name] = list
		}
	}
	return found
}
