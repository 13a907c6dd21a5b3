package health

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Judgement is what a HealthCheck has to show, and how that came about.
type Judgement struct {
	Verdict  Verdict
	Standing Standing
	// Pending is the result in words, where it is below its threshold and so decides nothing yet.
	Pending string
	At      time.Time
	Probed  bool
	// Anew says that somebody else wrote the status before, and nothing of it may stay.
	Anew bool
}

// Unprobed is a judgement without a probe; the counters begin again.
func Unprobed(v Verdict, at time.Time) Judgement { return Judgement{Verdict: v, At: at} }

// Judge is what the result of a probe, with its outcome, reason and message, makes of a check. The first result of a
// spec decides alone, and so does the first after somebody else wrote the status: the counters are then foreign. So does an
// expression that does not compile.
func Judge(check *v1alpha1.HealthCheck, foreign bool, outcome Outcome, reason, message string, at time.Time) Judgement {
	thresholds := ThresholdsOf(check.Spec)
	standing, decided := thresholds.Decide(outcome), true
	// The same expression fails to compile the next time, too: there is nothing to wait for.
	lasting := reason == v1alpha1.ReasonInvalidExpression
	if !AwaitsFirstResult(check) && !foreign && !lasting {
		standing, decided = thresholds.Next(StandingOf(check.Status), outcome)
	}
	j := Judgement{Standing: standing, At: at, Probed: true, Anew: foreign}
	j.Verdict = Verdict{State: standing.State, Reason: reason, Message: message}
	if !decided {
		j.Verdict.Reason, j.Verdict.Message = check.Status.Reason, check.Status.Message
		j.Pending = thresholds.Pending(standing) + ": " + message
	}
	j.Verdict.Stalled = j.Verdict.Reason == v1alpha1.ReasonInvalidExpression
	return j
}

// ApplyTo is the status of a check of this type of probe under this judgement. The time of the probe alone is no reason
// to write.
func (j Judgement) ApplyTo(check *v1alpha1.HealthCheck, probe string) v1alpha1.HealthCheckStatus {
	j.Verdict.Fault = windowFault(check.Spec.MaintenanceWindows, j.At)
	if j.shownBy(&check.Status, check.Generation, probe) {
		return check.Status
	}
	status := v1alpha1.HealthCheckStatus{
		CheckStatus:          j.Verdict.ApplyTo(check.Status.CheckStatus, check.Generation, j.At),
		Type:                 probe,
		ConsecutiveFailures:  j.Standing.Failures,
		ConsecutiveSuccesses: j.Standing.Successes,
		Pending:              Bounded(j.Pending),
		LastProbeTime:        check.Status.LastProbeTime.DeepCopy(),
	}
	if j.Probed && !SameHealthCheckStatus(&status, &check.Status) {
		status.LastProbeTime = &metav1.Time{Time: j.At.Truncate(time.Second)}
	}
	return status
}

// shownBy reports whether a status says all of the judgement. Every probe asks this, and mostly the answer is yes: making
// the same status again was a large part of the cost of a probe that changes nothing.
func (j Judgement) shownBy(status *v1alpha1.HealthCheckStatus, generation int64, probe string) bool {
	return !j.Anew &&
		status.State == j.Verdict.State &&
		status.Reason == j.Verdict.Reason &&
		status.Message == Bounded(j.Verdict.Message) &&
		status.ObservedGeneration == generation &&
		status.Type == probe &&
		status.ConsecutiveFailures == j.Standing.Failures &&
		status.ConsecutiveSuccesses == j.Standing.Successes &&
		status.Pending == Bounded(j.Pending) &&
		len(status.Conditions) > 0 &&
		isStalledBy(status.Conditions, j.Verdict.stalledBy())
}

// Pending tells a standing that is below its threshold: "2 of 3 failures".
func (t Thresholds) Pending(s Standing) string {
	if s.Failures == 0 {
		return fmt.Sprintf("%d of %d successes", s.Successes, t.Success)
	}
	if s.Failures < t.Warning {
		return fmt.Sprintf("%d of %d failures", s.Failures, t.Warning)
	}
	return fmt.Sprintf("%d of %d failures", s.Failures, t.Failure)
}
