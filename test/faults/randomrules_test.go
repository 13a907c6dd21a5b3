package faults

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// ruleEvery is how many checks there are to one HealthRule, of which each has up to sixteen expressions to compile.
const ruleEvery = 5

// gadgetKind is a kind of this rig's own, so that its rules are those of no other test.
func (s *specs) gadgetKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: s.namespace + ".example", Version: "v1", Kind: "Gadget"}
}

// gadgets are objects that say what nobody expects, at length.
func (s *specs) gadgets() (gadgets []client.Object) {
	long := make([]any, 5000)
	for i := range long {
		long[i] = int64(i)
	}
	for i, status := range []any{
		map[string]any{"level": "red", "list": long, "conditions": []any{map[string]any{"type": "Ready", "status": "True"}, int64(7), nil}},
		map[string]any{"level": int64(7), "conditions": map[string]any{"type": "Ready"}},
		"none",
	} {
		gadget := &unstructured.Unstructured{Object: map[string]any{"status": status}}
		gadget.SetGroupVersionKind(s.gadgetKind())
		gadget.SetNamespace(s.namespace)
		gadget.SetName(fmt.Sprintf("gadget-%d", i))
		gadgets = append(gadgets, gadget)
	}
	return gadgets
}

// healthRule is for Gadgets, of which only one is in force, for a kind that there is not, or for one that may have none.
func (s *specs) healthRule(i int) *v1alpha1.HealthRule {
	rule := &v1alpha1.HealthRule{ObjectMeta: s.object("rule", i)}
	rule.Namespace, rule.Name = "", s.namespace+"-"+rule.Name
	gadgets := v1alpha1.HealthRuleTarget{Group: s.gadgetKind().Group, Kind: s.gadgetKind().Kind}
	rule.Spec.Target = oneOf(s, gadgets, gadgets, v1alpha1.HealthRuleTarget{Group: s.gadgetKind().Group, Kind: "gizmo-x"},
		v1alpha1.HealthRuleTarget{Group: "a..b", Kind: strings.Repeat("K", 63)},
		v1alpha1.HealthRuleTarget{Kind: "Service"}, v1alpha1.HealthRuleTarget{Group: "health.aliascheck.dev", Kind: "AliasCheck"})
	rule.Spec.Rules = s.rules()
	return rule
}

// removeRules leaves none of them to the managers of other tests, which read all HealthRules.
func (s *specs) removeRules() {
	for i := range 80 / ruleEvery {
		rule := &v1alpha1.HealthRule{}
		rule.Name = fmt.Sprintf("%s-rule-%d", s.namespace, i)
		s.Expect(client.IgnoreNotFound(direct.Delete(context.Background(), rule))).To(Succeed())
	}
}

// ruled is a Gadget, a kind with built-in rules, or none that there is, by rules of the alias for the most part.
func (s *specs) ruled() *v1alpha1.TargetReference {
	target := &v1alpha1.TargetReference{
		APIVersion: s.gadgetKind().GroupVersion().String(), Kind: s.gadgetKind().Kind, Name: s.pick("gadget"),
	}
	switch s.random.IntN(6) {
	case 0:
		target.APIVersion, target.Kind = "apps/v1", "Deployment"
	case 1:
		target.APIVersion, target.Kind = "a..b/v1", "Nonsense"
	}
	target.Health = maybe(s, s.rules())
	return target
}

func (s *specs) rules() (rules []v1alpha1.Rule) {
	for range 1 + s.random.IntN(oneOf(s, 1, 3, 16)) {
		rules = append(rules, v1alpha1.Rule{
			State: oneOf(s, v1alpha1.StatePassing, v1alpha1.StateWarning, v1alpha1.StateCritical, v1alpha1.StateUnknown,
				v1alpha1.StateMaintenance),
			When:    s.expression(),
			Reason:  oneOf(s, "", "A", "Red", strings.Repeat("X", 63)),
			Message: maybe(s, s.expression()),
		})
	}
	return rules
}

// expression is one that holds, one of another type, one that cannot be evaluated, one that costs too much, or none at all.
func (s *specs) expression() string {
	return oneOf(s,
		"true", "false", "object.status.level == 'red'", "object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
		"'a text'", "'"+strings.Repeat("x", 2000)+"'", "1", "null", "object", "[object]", "object.status.level", "object.metadata.name",
		"object.nothing.at.all", "object.status[0]['x'].y", "1 / 0 == 1", "int('x') == 1", "timestamp('x') < timestamp('y')", "duration(object.status) > duration('1s')",
		"object.status.list.all(a, object.status.list.all(b, a == b))", "object.status.list.map(a, object.status).map(b, b.list).size() > 0",
		"[object].map(a, [a, a]).map(b, [b, b]).map(c, [c, c]).exists(d, d == d)", "object.metadata.name.matches('(a+)+$')", "'%.1000000000f'.format([1.0]) == ''",
		"object.?status[?'x'].y.orValue(true)", "object.status.list.map(a, string(a)).join(',')", "optional.none().value()",
		"object.", "((((", "a ? b", "\"", "object.status.level == \u0000", strings.Repeat("!", 2047)+"a", strings.Repeat("(", 1000)+"true"+strings.Repeat(")", 1000),
		"["+strings.Repeat("1,", 1000)+"1].size() > 0", strings.Repeat("true||", 340)+"false", s.text(2048),
	)
}
