package rules

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// manyEntries is an object with a list that is as long as the API server takes it.
func manyEntries() map[string]any {
	entries := make([]any, 100_000)
	for i := range entries {
		entries[i] = int64(1)
	}
	return map[string]any{"status": map[string]any{"list": entries, "text": strings.Repeat("x", 300<<10)}}
}

func TestARuleThatCostsTooMuchDoesNotHold(t *testing.T) {
	for _, when := range []string{
		`object.status.list.all(a, a == 1)`,
		`object.status.list.all(a, object.status.list.all(b, a == b))`,
		`object.status.list.all(a, object.status == object.status)`,
		`object.status.list.all(a, object.status.text.contains('y') || true)`,
		`[object.status.text].map(a, a + a + a).map(a, a + a + a).map(a, a + a + a).exists(a, a.startsWith('x'))`,
	} {
		t.Run(when, func(t *testing.T) {
			g := NewWithT(t)
			set, err := Compile([]v1alpha1.Rule{
				{State: v1alpha1.StateCritical, When: when}, {State: v1alpha1.StatePassing, When: "object.status.list.size() > 0"},
			})
			g.Expect(err).NotTo(HaveOccurred())
			verdict := set.Evaluate(manyEntries())
			g.Expect(verdict.State).To(Equal(v1alpha1.StatePassing))
			g.Expect(verdict.Failed).To(ConsistOf(ContainSubstring("cost limit exceeded")))
		})
	}
}

func TestRulesThatCostTooMuchTogetherEnd(t *testing.T) {
	g := NewWithT(t)
	list := make([]v1alpha1.Rule, 16)
	for i := range list {
		list[i] = v1alpha1.Rule{State: v1alpha1.StatePassing, When: "object.status.list.all(a, a == 1)"}
	}
	set, err := Compile(list)
	g.Expect(err).NotTo(HaveOccurred())
	failed := set.Evaluate(manyEntries()).Failed
	g.Expect(failed).To(HaveLen(3))
	g.Expect(failed[2]).To(Equal("rules[2]: the rules before it cost too much"))
}

func TestAThousandEntriesAreNotTooMany(t *testing.T) {
	g := NewWithT(t)
	endpoints := make([]any, 1000)
	for i := range endpoints {
		endpoints[i] = map[string]any{"conditions": map[string]any{"ready": true, "serving": i > 0}}
	}
	verdict := BuiltIn(schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}).Evaluate(map[string]any{"endpoints": endpoints})
	g.Expect(verdict.State).To(Equal(v1alpha1.StateWarning), "%v", verdict.Failed)
	set, err := Compile([]v1alpha1.Rule{{
		State: v1alpha1.StateWarning, When: "object.endpoints.exists(e, !e.conditions.serving)",
		Message: "string(object.endpoints.filter(e, e.conditions.ready && e.conditions.serving).size()) + ' serve'",
	}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(set.Evaluate(map[string]any{"endpoints": endpoints}).Message).To(Equal("999 serve"))
}

// What no limit of costs bounds does not compile, so that an alias with it is Stalled and a HealthRule not Accepted.
func TestARuleOfWhichOneStepMayTakeAnyTimeDoesNotCompile(t *testing.T) {
	for _, when := range []string{
		`[object].map(a, [a, a]).map(b, [b, b]).map(c, [c, c]).exists(d, d == d)`,
		`object.status.text.replace('', object.status.text) == ''`,
		`'%.1000000000f'.format([1.0]) == ''`,
		`object.status.text.matches(object.status.text)`,
	} {
		_, err := Compile([]v1alpha1.Rule{{State: v1alpha1.StatePassing, When: when}})
		NewWithT(t).Expect(err).To(MatchError(HavePrefix("rules[0].when: ")), when)
	}
}
