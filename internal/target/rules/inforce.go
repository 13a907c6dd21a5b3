package rules

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// unsupported are kinds whose health is not read from rules.
var unsupported = []schema.GroupKind{
	{Group: v1alpha1.GroupVersion.Group, Kind: "HealthCheck"}, {Group: v1alpha1.GroupVersion.Group, Kind: "AliasCheck"},
	{Kind: "Service"}, {Kind: "Node"},
}

// TargetOf is the kind that a HealthRule is for.
func TargetOf(rule *v1alpha1.HealthRule) schema.GroupKind {
	return schema.GroupKind{Group: rule.Spec.Target.Group, Kind: rule.Spec.Target.Kind}
}

// InForce are the rules of the oldest of some HealthRules of one kind that compiles; nil where none does.
func InForce(list []v1alpha1.HealthRule) *Set {
	for _, rule := range oldestFirst(list) {
		if set, err := Cached(rule.Spec.Rules); err == nil {
			return set
		}
	}
	return nil
}

// Judgement of a HealthRule is the condition Accepted: its reason, which is Accepted where it is in force, and why.
type Judgement struct{ Reason, Message string }

// Judge says whether a HealthRule is in force among all that there are.
func Judge(rule *v1alpha1.HealthRule, all []v1alpha1.HealthRule) Judgement {
	target := TargetOf(rule)
	if slices.Contains(unsupported, target) {
		return Judgement{v1alpha1.ReasonUnsupportedKind, "the health of a " + target.Kind + " is not read from rules: delete this"}
	}
	if _, err := Cached(rule.Spec.Rules); err != nil {
		return Judgement{v1alpha1.ReasonInvalidExpression, err.Error()}
	}
	sameKind := slices.DeleteFunc(slices.Clone(all), func(other v1alpha1.HealthRule) bool { return TargetOf(&other) != target })
	for _, other := range oldestFirst(sameKind) {
		if other.Name == rule.Name {
			break
		}
		if _, err := Cached(other.Spec.Rules); err == nil {
			return Judgement{v1alpha1.ReasonConflict, "HealthRule " + other.Name + " is older and has the same target: delete one of the two"}
		}
	}
	return Judgement{v1alpha1.ReasonAccepted, "the rules decide for their kind"}
}

func oldestFirst(list []v1alpha1.HealthRule) []v1alpha1.HealthRule {
	return slices.SortedFunc(slices.Values(list), func(a, b v1alpha1.HealthRule) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
}
