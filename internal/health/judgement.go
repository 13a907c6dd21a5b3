package health

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Judgement is what a HealthCheck has to show, and how that came about.
type Judgement struct {
	Verdict  Verdict
	Standing Standing
	At       time.Time
	Probed   bool
}

// Unprobed is a judgement without a probe; the counters start anew.
func Unprobed(v Verdict, at time.Time) Judgement { return Judgement{Verdict: v, At: at} }

// Judge is what the result of a probe, with its outcome, reason and message, makes of a check. The first result of a
// spec decides alone, and so does the first after somebody else wrote the status: the counters are then foreign.
func Judge(check *v1alpha1.HealthCheck, foreign bool, outcome Outcome, reason, message string, at time.Time) Judgement {
	thresholds := ThresholdsOf(check.Spec)
	standing, decided := thresholds.Decide(outcome), true
	if !AwaitsFirstResult(check) && !foreign {
		standing, decided = thresholds.Next(StandingOf(check.Status), outcome)
	}
	verdict := Verdict{State: standing.State, Reason: reason, Message: message}
	if !decided {
		verdict.Reason, verdict.Message = check.Status.Reason, check.Status.Message
	}
	return Judgement{Verdict: verdict, Standing: standing, At: at, Probed: true}
}

// ApplyTo is the status of a check of this type of probe under this judgement. The time of the probe alone is no reason
// to write.
func (j Judgement) ApplyTo(check *v1alpha1.HealthCheck, probe string) v1alpha1.HealthCheckStatus {
	status := v1alpha1.HealthCheckStatus{
		CheckStatus:          j.Verdict.ApplyTo(check.Status.CheckStatus, check.Generation, j.At),
		Type:                 probe,
		ConsecutiveFailures:  j.Standing.Failures,
		ConsecutiveSuccesses: j.Standing.Successes,
		LastProbeTime:        check.Status.LastProbeTime.DeepCopy(),
	}
	if j.Probed && !sameHealthCheckStatus(&status, &check.Status) {
		status.LastProbeTime = &metav1.Time{Time: j.At.Truncate(time.Second)}
	}
	return status
}
