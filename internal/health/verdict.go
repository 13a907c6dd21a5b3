package health

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Verdict is what a check has to show.
type Verdict struct {
	State   v1alpha1.State
	Reason  string
	Message string

	// Since is when the source of the state took it; zero where the source does not say, and then the
	// state changed when this check first showed it.
	Since time.Time

	// Stalled says that no retry can fix the spec.
	Stalled bool
	// Fault is what no retry can fix in a spec whose rest is in force, so that the state has a reason of its own.
	Fault *Resolution

	// Resolved is the condition TargetResolved of an AliasCheck; nil for a HealthCheck.
	Resolved *Resolution
}

// Resolution says whether an alias has a target, and why not.
type Resolution struct {
	Status  metav1.ConditionStatus
	Reason  string
	Message string
}

// ApplyTo is the status of a check of this generation once it shows the verdict. The status that it is
// given is not changed. Times are truncated to seconds, as the API keeps them: what is read back is equal
// to what was written, and is not written again.
func (v Verdict) ApplyTo(old v1alpha1.CheckStatus, generation int64, now time.Time) v1alpha1.CheckStatus {
	status := *old.DeepCopy()
	status.State = v.State
	status.Reason = v.Reason
	status.Message = Bounded(v.Message)
	status.ObservedGeneration = generation
	status.LastTransitionTime = v.transition(old, now)

	ready := Resolution{Ready(v.State), v.Reason, status.Message}
	setCondition(&status, v1alpha1.ConditionReady, ready, *status.LastTransitionTime)
	if v.Resolved != nil {
		setCondition(&status, v1alpha1.ConditionTargetResolved, *v.Resolved, *truncated(now))
	}
	if stalled := v.stalledBy(); stalled != nil {
		setCondition(&status, v1alpha1.ConditionStalled, *stalled, *truncated(now))
	} else {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)
	}
	return status
}

// stalledBy is the condition Stalled; nil if the check is not stalled.
func (v Verdict) stalledBy() *Resolution {
	if v.Stalled {
		return &Resolution{metav1.ConditionTrue, v.Reason, v.Message}
	}
	return v.Fault
}

// isStalledBy reports whether conditions have Stalled as it has to be.
func isStalledBy(conditions []metav1.Condition, stalled *Resolution) bool {
	shown := meta.FindStatusCondition(conditions, v1alpha1.ConditionStalled)
	if shown == nil || stalled == nil {
		return shown == nil && stalled == nil
	}
	return shown.Reason == stalled.Reason && shown.Message == Bounded(stalled.Message)
}

func (v Verdict) transition(old v1alpha1.CheckStatus, now time.Time) *metav1.Time {
	switch {
	case !v.Since.IsZero():
		return truncated(v.Since)
	case old.State == v.State && old.LastTransitionTime != nil:
		return old.LastTransitionTime.DeepCopy()
	default:
		return truncated(now)
	}
}

// setCondition sets a condition which, if its own status changes with that, did so at a time: Ready when the state did,
// and the others, which are not the source's but the alias's own, when it saw it.
func setCondition(status *v1alpha1.CheckStatus, kind string, r Resolution, at metav1.Time) {
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type:               kind,
		Status:             r.Status,
		Reason:             r.Reason,
		Message:            Bounded(r.Message),
		ObservedGeneration: status.ObservedGeneration,
		LastTransitionTime: at,
	})
}

func truncated(t time.Time) *metav1.Time {
	return &metav1.Time{Time: t.Truncate(time.Second)}
}
