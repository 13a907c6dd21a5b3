package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// judgement is what a HealthCheck shall show, and how that came about.
type judgement struct {
	verdict  health.Verdict
	standing health.Standing
	at       time.Time
	probed   bool
}

// withoutProbe is a judgement without a probe; the counters start anew.
func withoutProbe(v health.Verdict, at time.Time) judgement { return judgement{verdict: v, at: at} }

// judge is what the result of a probe makes of a check. The first result of a spec decides alone, and so does
// the first after somebody else wrote the status: the counters are then not ours.
func judge(check *v1alpha1.HealthCheck, memory *remembered, result probe.Result, at time.Time) judgement {
	thresholds := health.ThresholdsOf(check.Spec)
	standing, decided := thresholds.Decide(result.Outcome), true
	if !health.AwaitsFirstResult(check) && !memory.foreign(check) {
		standing, decided = thresholds.Next(health.StandingOf(check.Status), result.Outcome)
	}
	verdict := health.Verdict{State: standing.State, Reason: result.Reason, Message: result.Message}
	if !decided {
		verdict.Reason, verdict.Message = check.Status.Reason, check.Status.Message
	}
	return judgement{verdict: verdict, standing: standing, at: at, probed: true}
}

// applyTo is the status of the check under this judgement. The time of the probe alone is no reason to write.
func (j judgement) applyTo(check *v1alpha1.HealthCheck) v1alpha1.HealthCheckStatus {
	status := v1alpha1.HealthCheckStatus{
		CheckStatus:          j.verdict.ApplyTo(check.Status.CheckStatus, check.Generation, j.at),
		Type:                 probe.TypeOf(check.Spec),
		ConsecutiveFailures:  j.standing.Failures,
		ConsecutiveSuccesses: j.standing.Successes,
		LastProbeTime:        check.Status.LastProbeTime.DeepCopy(),
	}
	if j.probed && !sameHealthCheckStatus(&status, &check.Status) {
		status.LastProbeTime = &metav1.Time{Time: j.at.Truncate(time.Second)}
	}
	return status
}
