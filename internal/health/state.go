package health

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// severity orders the states, worst first: Critical, Unknown, Maintenance, Warning, Passing. Planned work on one member
// never hides an outage of another, nor that nothing is known of one.
func severity(s v1alpha1.State) int {
	switch s {
	case v1alpha1.StateCritical:
		return 4
	case v1alpha1.StateMaintenance:
		return 2
	case v1alpha1.StateWarning:
		return 1
	case v1alpha1.StatePassing:
		return 0
	default:
		return 3
	}
}

// Worse reports whether a is worse than b.
func Worse(a, b v1alpha1.State) bool { return severity(a) > severity(b) }

// Known reads a state that may not be set yet: the empty state is Unknown.
func Known(s v1alpha1.State) v1alpha1.State {
	if s == "" {
		return v1alpha1.StateUnknown
	}
	return s
}

// Ready is the status of the Ready condition for a state.
func Ready(s v1alpha1.State) metav1.ConditionStatus {
	switch s {
	case v1alpha1.StatePassing, v1alpha1.StateWarning:
		return metav1.ConditionTrue
	case v1alpha1.StateCritical, v1alpha1.StateMaintenance:
		return metav1.ConditionFalse
	default:
		return metav1.ConditionUnknown
	}
}
