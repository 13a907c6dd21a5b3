package health

import (
	"testing"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestAResultBelowItsThresholdIsPending(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Generation, check.Spec.SuccessThreshold, check.Spec.FailureThreshold = 1, 2, 4
	check.Spec.WarningThreshold = new(int32(2))
	check.Status.State, check.Status.ObservedGeneration = v1alpha1.StatePassing, 1
	at := time.Unix(1_000_000, 0)
	for i, step := range []struct {
		outcome Outcome
		state   v1alpha1.State
		pending string
	}{
		{Failed, v1alpha1.StatePassing, "1 of 2 failures: as seen"},
		{Failed, v1alpha1.StateWarning, ""},
		{Failed, v1alpha1.StateWarning, ""},
		{Passed, v1alpha1.StateWarning, "1 of 2 successes: as seen"},
		{Passed, v1alpha1.StatePassing, ""},
		{Passed, v1alpha1.StatePassing, ""},
	} {
		at = at.Add(time.Second)
		before := check.Status.LastProbeTime
		check.Status = Judge(check, false, step.outcome, "Probed", "as seen", at).ApplyTo(check, "tcp")
		if check.Status.State != step.state || check.Status.Pending != step.pending {
			t.Errorf("after step %d it is %s, pending %q; want %s, pending %q",
				i, check.Status.State, check.Status.Pending, step.state, step.pending)
		}
		if last := i == 5; last != check.Status.LastProbeTime.Equal(before) {
			t.Errorf("after step %d it was probed at %s, and before at %s", i, check.Status.LastProbeTime, before)
		}
	}
}

func TestNothingOfAForeignStatusStays(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Generation, check.Spec.SuccessThreshold = 1, 1
	at := time.Unix(1_000_000, 0)
	check.Status = Judge(check, false, Passed, "Probed", "as seen", at).ApplyTo(check, "tcp")
	check.Status.Conditions[0].Reason = "Painted"
	if got := Judge(check, true, Passed, "Probed", "as seen", at).ApplyTo(check, "tcp"); got.Conditions[0].Reason != "Probed" {
		t.Errorf("the condition is %+v", got.Conditions[0])
	}
}
