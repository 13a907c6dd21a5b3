package target

import (
	"fmt"
	"regexp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// orCondition is a check itself, or, where the reference asks for one condition, the check as that condition shows it.
// Maintenance is an operator's word, and no condition speaks against it, wherever in a chain it was said.
func orCondition(ref Reference, member health.Member, conditions []metav1.Condition) health.Member {
	if ref.ConditionType == "" || member.State == v1alpha1.StateMaintenance {
		return member
	}
	return conditionMember(member, ref.ConditionType, conditions)
}

// conditionMember shows a condition as a state: True Passing, False Critical, Unknown or absent Unknown.
func conditionMember(member health.Member, kind string, conditions []metav1.Condition) health.Member {
	member.Deeper = nil
	member.State, member.Since = v1alpha1.StateUnknown, time.Time{}
	condition, found := conditionOf(conditions, kind)
	if !found {
		member.Reason = v1alpha1.ReasonConditionNotFound
		member.Message = fmt.Sprintf("%s %s has no condition %s", member.Kind, member.Name, kind)
		return member
	}
	member.Since = condition.LastTransitionTime.Time
	member.Reason = reasonOr(condition.Reason, "Condition"+string(known(condition.Status)))
	member.Message = condition.Message
	if member.Message == "" {
		member.Message = fmt.Sprintf("the condition %s is %s", kind, known(condition.Status))
	}
	switch condition.Status {
	case metav1.ConditionTrue:
		member.State = v1alpha1.StatePassing
	case metav1.ConditionFalse:
		member.State = v1alpha1.StateCritical
	}
	return member
}

func conditionOf(conditions []metav1.Condition, kind string) (metav1.Condition, bool) {
	for _, c := range conditions {
		if c.Type == kind {
			return c, true
		}
	}
	return metav1.Condition{}, false
}

func known(status metav1.ConditionStatus) metav1.ConditionStatus {
	if status == metav1.ConditionTrue || status == metav1.ConditionFalse {
		return status
	}
	return metav1.ConditionUnknown
}

// reasonPattern is that of the reason of a condition; other controllers do not always keep to it.
var reasonPattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// reasonOr is a reason of somebody else, or the fallback where it would not do as the reason of a condition.
func reasonOr(reason, fallback string) string {
	if len(reason) > 256 || !reasonPattern.MatchString(reason) {
		return fallback
	}
	return reason
}

// conditionsOf reads status.conditions of an object of any kind. What is malformed is left out.
func conditionsOf(object *unstructured.Unstructured) []metav1.Condition {
	raw, _, _ := unstructured.NestedFieldNoCopy(object.Object, "status", "conditions")
	items, _ := raw.([]any)
	conditions := make([]metav1.Condition, 0, len(items))
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok {
			conditions = append(conditions, conditionFrom(fields))
		}
	}
	return conditions
}

func conditionFrom(fields map[string]any) metav1.Condition {
	text := func(name string) string { s, _ := fields[name].(string); return s }
	since, _ := time.Parse(time.RFC3339, text("lastTransitionTime"))
	generation, _ := fields["observedGeneration"].(int64)
	return metav1.Condition{
		Type:               text("type"),
		Status:             metav1.ConditionStatus(text("status")),
		Reason:             text("reason"),
		Message:            text("message"),
		ObservedGeneration: generation,
		LastTransitionTime: metav1.NewTime(since),
	}
}
