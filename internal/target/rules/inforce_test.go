package rules

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func rule(name string, age time.Duration, kind, when string) v1alpha1.HealthRule {
	r := v1alpha1.HealthRule{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(0, 0).Add(-age))}}
	r.Spec.Target = v1alpha1.HealthRuleTarget{Group: "x.example", Kind: kind}
	r.Spec.Rules = []v1alpha1.Rule{{State: v1alpha1.StatePassing, When: when}}
	return r
}

func TestWhichHealthRuleIsInForce(t *testing.T) {
	node := rule("nodes", 0, "Node", "true")
	node.Spec.Target.Group = ""
	all := []v1alpha1.HealthRule{
		rule("young", time.Hour, "Widget", "true"), rule("old", 2*time.Hour, "Widget", "true"),
		rule("broken", 3*time.Hour, "Widget", "object."), rule("other", time.Minute, "Gadget", "true"),
		rule("b", time.Hour, "Twin", "true"), rule("a", time.Hour, "Twin", "true"), node,
	}
	want := map[string]string{
		"young": v1alpha1.ReasonConflict, "old": v1alpha1.ReasonAccepted, "broken": v1alpha1.ReasonInvalidExpression,
		"other": v1alpha1.ReasonAccepted, "a": v1alpha1.ReasonAccepted, "b": v1alpha1.ReasonConflict, "nodes": v1alpha1.ReasonUnsupportedKind,
	}
	for i := range all {
		if got := Judge(&all[i], all); got.Reason != want[all[i].Name] || got.Message == "" {
			t.Errorf("%s is %s (%s), want %s", all[i].Name, got.Reason, got.Message, want[all[i].Name])
		}
	}
	if set := InForce(all[2:3]); set != nil {
		t.Error("a rule that does not compile is in force")
	}
	if set := InForce(all[:3]); set == nil {
		t.Error("none of three rules is in force, of which two compile")
	}
}
