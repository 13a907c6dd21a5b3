package target

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// RuleKind is the HealthRule. It is watched while an alias needs it, as any other kind: the manager works where it is not
// installed, or may not be read, by the built-in rules.
var RuleKind = v1alpha1.GroupVersion.WithKind("HealthRule").GroupKind()

var ruleVersion = RuleKind.WithVersion(v1alpha1.GroupVersion.Version)

// invalidRuleError is a rule of an alias's own that does not compile.
type invalidRuleError struct{ error }

// ruledByKind reports whether the HealthRules of a target's kind decide, and not one condition or rules of the alias's own.
func (r Reference) ruledByKind() bool {
	return r.WatchedByKind() && r.ConditionType == "" && len(r.Health) == 0
}

// rulesFor are the rules that decide for a target: those of the alias, then of a HealthRule of its kind, then those that
// are built in; nil if there are no rules.
func rulesFor(ref Reference, kinds *lease) (*rules.Set, error) {
	switch {
	case len(ref.Health) > 0:
		set, err := rules.Cached(ref.Health)
		if err != nil {
			return nil, invalidRuleError{err}
		}
		return set, nil
	case !ref.ruledByKind():
		return rules.BuiltIn(ref.GroupKind()), nil
	}
	kinds.need(ref.GroupVersionKind) // also while the HealthRules cannot be read
	objects, err := kinds.list(ruleVersion, "")
	switch {
	case lasting(err):
		return rules.BuiltIn(ref.GroupKind()), nil
	case err != nil:
		return nil, fmt.Errorf("reading the HealthRules: %w", err)
	}
	matching, err := healthRules(objects, ref.GroupKind())
	if err != nil {
		return nil, err
	}
	if set := rules.InForce(matching); set != nil {
		return set, nil
	}
	return rules.BuiltIn(ref.GroupKind()), nil
}

// healthRules are those of some objects which are for a kind.
func healthRules(objects []*unstructured.Unstructured, kind schema.GroupKind) ([]v1alpha1.HealthRule, error) {
	var matching []v1alpha1.HealthRule
	for _, object := range objects {
		if ruleTarget(object) != kind {
			continue
		}
		rule := v1alpha1.HealthRule{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &rule); err != nil {
			return nil, fmt.Errorf("reading HealthRule %s: %w", object.GetName(), err)
		}
		matching = append(matching, rule)
	}
	return matching, nil
}

func ruleTarget(rule *unstructured.Unstructured) schema.GroupKind {
	group, _, _ := unstructured.NestedString(rule.Object, "spec", "target", "group")
	kind, _, _ := unstructured.NestedString(rule.Object, "spec", "target", "kind")
	return schema.GroupKind{Group: group, Kind: kind}
}

// targetsOf are the kinds that a change of a HealthRule concerns, of which one of before and after is nil where it came or
// went: none where no more than its status is another.
func targetsOf(before, after *unstructured.Unstructured) []schema.GroupKind {
	switch {
	case before == nil:
		return []schema.GroupKind{ruleTarget(after)}
	case after == nil:
		return []schema.GroupKind{ruleTarget(before)}
	case reflect.DeepEqual(before.Object["spec"], after.Object["spec"]):
		return nil
	default:
		return []schema.GroupKind{ruleTarget(before), ruleTarget(after)}
	}
}
