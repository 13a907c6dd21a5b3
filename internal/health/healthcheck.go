package health

import (
	"strings"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// ThresholdsOf are the thresholds of a spec.
func ThresholdsOf(spec v1alpha1.HealthCheckSpec) Thresholds {
	t := Thresholds{Success: max(spec.SuccessThreshold, 1), Failure: max(spec.FailureThreshold, 1)}
	if spec.WarningThreshold != nil {
		t.Warning = *spec.WarningThreshold
	}
	return t
}

// StandingOf is the standing that a status holds.
func StandingOf(status v1alpha1.HealthCheckStatus) Standing {
	return Standing{State: Known(status.State), Failures: status.ConsecutiveFailures, Successes: status.ConsecutiveSuccesses}
}

// maintenanceAnnotation says whether an object with these annotations has been put in maintenance, and why.
func maintenanceAnnotation(annotations map[string]string) (reason string, in bool) {
	reason, in = annotations[v1alpha1.AnnotationMaintenance]
	if in && strings.TrimSpace(reason) == "" {
		reason = "in maintenance, no reason given"
	}
	return reason, in
}

// WithoutProbe is the verdict on a HealthCheck that is not to be probed: one in maintenance or suspended. Where both are
// set maintenance shows: it has a reason that somebody wrote, and it counts, while what is suspended is left out.
func WithoutProbe(check *v1alpha1.HealthCheck, now time.Time) (Verdict, bool) {
	if m := MaintenanceAt(check, now); m.In {
		return Verdict{State: v1alpha1.StateMaintenance, Reason: v1alpha1.ReasonMaintenance, Message: m.Reason}, true
	}
	if check.Spec.Suspend {
		return Verdict{
			State:   v1alpha1.StateUnknown,
			Reason:  v1alpha1.ReasonSuspended,
			Message: "suspended by spec.suspend: nothing is probed",
		}, true
	}
	return Verdict{}, false
}

// Unread is the verdict on a HealthCheck whose probes could not read what they need for longer than the grace for errors.
func Unread(message string) Verdict {
	return Verdict{State: v1alpha1.StateUnknown, Reason: v1alpha1.ReasonReadError, Message: message}
}

// Initial is the verdict on a HealthCheck with an initialState which has shown nothing yet.
func Initial(check *v1alpha1.HealthCheck) (Verdict, bool) {
	given := check.Spec.InitialState != "" && check.Spec.InitialState != v1alpha1.StateUnknown
	if !given || check.Status.ObservedGeneration > 0 {
		return Verdict{}, false
	}
	return Verdict{
		State:   check.Spec.InitialState,
		Reason:  v1alpha1.ReasonInitialState,
		Message: "as spec.initialState says, until the thresholds say otherwise",
	}, true
}

// AwaitsFirstResult reports whether the next result of a HealthCheck decides alone and is wanted at once:
// nothing has been seen yet of this spec, or a maintenance or suspension has ended.
func AwaitsFirstResult(check *v1alpha1.HealthCheck) bool {
	status := check.Status
	return status.ObservedGeneration != check.Generation ||
		Known(status.State) == v1alpha1.StateUnknown ||
		status.State == v1alpha1.StateMaintenance
}

// AwaitsFirstProbe reports whether a HealthCheck shows its initialState and no probe has ended yet.
func AwaitsFirstProbe(check *v1alpha1.HealthCheck) bool {
	return check.Status.Reason == v1alpha1.ReasonInitialState &&
		check.Status.ConsecutiveFailures == 0 && check.Status.ConsecutiveSuccesses == 0
}
