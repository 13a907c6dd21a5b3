package target

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
)

// orCondition is a check itself, or, where the reference asks for one condition, the check as that condition shows it.
// An operator has said that it is in Maintenance: no condition overrides that, wherever in a chain it was said.
func orCondition(ref Reference, member health.Member, conditions []metav1.Condition) health.Member {
	if ref.ConditionType == "" || member.State == v1alpha1.StateMaintenance {
		return member
	}
	return conditionMember(member, ref, conditions)
}

// conditionMember shows a condition as a state: the status that is healthy Passing, its opposite Critical, Unknown or
// absent Unknown.
func conditionMember(member health.Member, ref Reference, conditions []metav1.Condition) health.Member {
	member.Deeper = nil
	member.State, member.Since = v1alpha1.StateUnknown, time.Time{}
	condition, found := conditionOf(conditions, ref.ConditionType)
	if !found {
		member.Reason = v1alpha1.ReasonConditionNotFound
		member.Message = fmt.Sprintf("%s %s has no condition %s", member.Kind, member.Name, ref.ConditionType)
		return member
	}
	member.Since = condition.LastTransitionTime.Time
	member.Reason = evidence.ReasonOr(condition.Reason, "Condition"+string(known(condition.Status)))
	member.Message = condition.Message
	if member.Message == "" {
		member.Message = fmt.Sprintf("the condition %s is %s", ref.ConditionType, known(condition.Status))
	}
	switch known(condition.Status) {
	case metav1.ConditionUnknown:
	case healthyStatus(ref):
		member.State = v1alpha1.StatePassing
	default:
		member.State = v1alpha1.StateCritical
	}
	return member
}

func healthyStatus(ref Reference) metav1.ConditionStatus {
	if ref.ConditionStatus == "" {
		return metav1.ConditionTrue
	}
	return ref.ConditionStatus
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
