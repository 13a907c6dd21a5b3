package health

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

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

func TestASuccessThatChangesNothingIsNotPending(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Generation, check.Spec.SuccessThreshold, check.Spec.FailureThreshold = 1, 3, 3
	check.Status.State, check.Status.ObservedGeneration = v1alpha1.StatePassing, 1
	at := time.Unix(1_000_000, 0)
	for i, step := range []struct {
		outcome          Outcome
		message, pending string
	}{
		{Failed, "", "1 of 3 failures: 503"},
		{Passed, "200", ""},
		{Passed, "204", ""},
	} {
		said := step.message
		if step.outcome == Failed {
			said = "503"
		}
		check.Status = Judge(check, false, step.outcome, "Probed", said, at).ApplyTo(check, "http")
		if check.Status.State != v1alpha1.StatePassing || check.Status.Message != step.message || check.Status.Pending != step.pending {
			t.Errorf("after step %d it is %s, %q, pending %q", i, check.Status.State, check.Status.Message, check.Status.Pending)
		}
	}
}

func TestAnExpressionThatDoesNotCompileDecidesAlone(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Generation, check.Spec.FailureThreshold, check.Spec.InitialState = 1, 3, v1alpha1.StatePassing
	check.Status.State, check.Status.ObservedGeneration = v1alpha1.StatePassing, 1
	got := Judge(check, false, Failed, v1alpha1.ReasonInvalidExpression, "as seen", time.Unix(1_000_000, 0)).ApplyTo(check, "http")
	if got.State != v1alpha1.StateCritical || meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionStalled) == nil {
		t.Errorf("it is %s with %+v", got.State, got.Conditions)
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

func TestAnExpressionThatDoesNotCompileStallsTheCheckUntilAResultDecides(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Generation, check.Spec.SuccessThreshold, check.Spec.FailureThreshold = 1, 2, 1
	at := time.Unix(1_000_000, 0)
	for i, step := range []struct {
		outcome Outcome
		reason  string
		stalled bool
	}{
		{Failed, v1alpha1.ReasonInvalidExpression, true},
		{Failed, v1alpha1.ReasonInvalidExpression, true},
		{Passed, v1alpha1.ReasonProbeSucceeded, true}, // by a newer manager, which knows more; not decided yet
		{Passed, v1alpha1.ReasonProbeSucceeded, false},
		{Failed, v1alpha1.ReasonProbeFailed, false},
	} {
		check.Status = Judge(check, false, step.outcome, step.reason, "as seen", at).ApplyTo(check, "http")
		stalled := meta.FindStatusCondition(check.Status.Conditions, v1alpha1.ConditionStalled)
		if (stalled != nil) != step.stalled {
			t.Errorf("after step %d Stalled is %+v, want it there: %t", i, stalled, step.stalled)
		}
		if stalled != nil && (stalled.Reason != v1alpha1.ReasonInvalidExpression || stalled.Message != "as seen") {
			t.Errorf("after step %d Stalled is %+v", i, stalled)
		}
	}
}

// An older manager wrote no Stalled.
func TestAStatusThatLacksStalledIsNotAsItHasToBe(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Generation = 1
	at := time.Unix(1_000_000, 0)
	j := Judge(check, false, Failed, v1alpha1.ReasonInvalidExpression, "as seen", at)
	check.Status = j.ApplyTo(check, "http")
	meta.RemoveStatusCondition(&check.Status.Conditions, v1alpha1.ConditionStalled)
	if got := Judge(check, false, Failed, v1alpha1.ReasonInvalidExpression, "as seen", at).ApplyTo(check, "http"); !meta.IsStatusConditionTrue(
		got.Conditions, v1alpha1.ConditionStalled) {
		t.Errorf("the conditions are %+v", got.Conditions)
	}
}
