package health

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func alias(edits ...func(*v1alpha1.AliasCheck)) *v1alpha1.AliasCheck {
	a := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "front", Generation: 3}}
	for _, edit := range edits {
		edit(a)
	}
	return a
}

func TestEachProblemHasItsState(t *testing.T) {
	for _, c := range []struct {
		problem     string
		whenMissing v1alpha1.State
		state       v1alpha1.State
		stalled     bool
		resolved    metav1.ConditionStatus
	}{
		{v1alpha1.ReasonTargetNotFound, "", v1alpha1.StateCritical, false, metav1.ConditionFalse},
		{v1alpha1.ReasonTargetNotFound, v1alpha1.StatePassing, v1alpha1.StatePassing, false, metav1.ConditionFalse},
		{v1alpha1.ReasonKindNotInstalled, v1alpha1.StateWarning, v1alpha1.StateWarning, false, metav1.ConditionFalse},
		{v1alpha1.ReasonRefNotPermitted, v1alpha1.StateUnknown, v1alpha1.StateUnknown, false, metav1.ConditionFalse},
		{v1alpha1.ReasonKindForbidden, v1alpha1.StatePassing, v1alpha1.StateUnknown, true, metav1.ConditionFalse},
		{v1alpha1.ReasonInvalidTarget, v1alpha1.StatePassing, v1alpha1.StateUnknown, true, metav1.ConditionFalse},
		{v1alpha1.ReasonInvalidExpression, v1alpha1.StatePassing, v1alpha1.StateUnknown, true, metav1.ConditionFalse},
		{v1alpha1.ReasonAliasCycle, v1alpha1.StatePassing, v1alpha1.StateCritical, true, metav1.ConditionFalse},
		{v1alpha1.ReasonAliasTooDeep, v1alpha1.StatePassing, v1alpha1.StateCritical, true, metav1.ConditionFalse},
		{v1alpha1.ReasonReadError, v1alpha1.StatePassing, v1alpha1.StateUnknown, false, metav1.ConditionUnknown},
	} {
		t.Run(c.problem+" when missing "+string(c.whenMissing), func(t *testing.T) {
			a := alias(func(a *v1alpha1.AliasCheck) { a.Spec.WhenMissing = c.whenMissing })
			status := ApplyObservation(a, Observation{Problem: c.problem, Message: "so it is"}, noon)
			if status.State != c.state || status.Reason != c.problem || status.Message != "so it is" {
				t.Errorf("got %s %s %q", status.State, status.Reason, status.Message)
			}
			if got := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled); got != c.stalled {
				t.Errorf("stalled is %t", got)
			}
			if !meta.IsStatusConditionPresentAndEqual(status.Conditions, v1alpha1.ConditionTargetResolved, c.resolved) {
				t.Errorf("conditions %v", status.Conditions)
			}
			if status.ObservedGeneration != 3 {
				t.Errorf("the generation is %d", status.ObservedGeneration)
			}
		})
	}
}

func TestAMirroredMemberKeepsReasonMessageAndTransition(t *testing.T) {
	member := check("web", v1alpha1.StateCritical, "GET: 503")
	member.Reason, member.Since = "ProbeFailed", noon.Add(-time.Hour)
	status := ApplyObservation(alias(), Observation{Members: []Member{member}}, noon)
	if status.Reason != "ProbeFailed" || status.Message != "GET: 503" || !status.LastTransitionTime.Time.Equal(member.Since) {
		t.Errorf("got %+v", status)
	}
	if *status.Culprit != (v1alpha1.Culprit{Kind: "HealthCheck", Namespace: "shop", Name: "web"}) {
		t.Errorf("the culprit is %v", status.Culprit)
	}
}

// As every condition in Kubernetes: neither the state nor its time of transition moves that of TargetResolved.
func TestTargetResolvedHasATimeOfTransitionOfItsOwn(t *testing.T) {
	a := alias()
	web := func(state v1alpha1.State, since time.Duration) Observation {
		member := check("web", state, "")
		member.Since = noon.Add(since)
		return Observation{Members: []Member{member}}
	}
	missing := Observation{Problem: v1alpha1.ReasonTargetNotFound, Message: "HealthCheck/web does not exist"}
	for _, step := range []struct {
		name        string
		at          time.Duration
		observation Observation
		since       time.Duration // of TargetResolved
	}{
		{"missing", 0, missing, 0},
		{"there, and Critical for longer than it was missing", time.Minute, web(v1alpha1.StateCritical, -time.Hour), time.Minute},
		{"its state changes", 2 * time.Minute, web(v1alpha1.StatePassing, 2*time.Minute), time.Minute},
		{"its state changes again", 3 * time.Minute, web(v1alpha1.StateCritical, 3*time.Minute), time.Minute},
		{"missing, in the same state", 4 * time.Minute, missing, 4 * time.Minute},
	} {
		a.Status = ApplyObservation(a, step.observation, noon.Add(step.at))
		resolved := meta.FindStatusCondition(a.Status.Conditions, v1alpha1.ConditionTargetResolved)
		if want := noon.Add(step.since); !resolved.LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s: since %s, want %s", step.name, resolved.LastTransitionTime, want)
		}
	}
}

func TestWhatDecidedAnAliasIsTheCulpritOfItsAliases(t *testing.T) {
	deeper := v1alpha1.Culprit{Kind: "HealthCheck", Namespace: "shop", Name: "db"}
	member := check("link", v1alpha1.StateCritical, "down")
	member.Deeper = &deeper
	status := ApplyObservation(alias(), Observation{Members: []Member{member}}, noon)
	if status.Culprit == &deeper || *status.Culprit != deeper {
		t.Errorf("got %v, want a copy of %v", status.Culprit, deeper)
	}
}

func TestAPassingAliasHasNoCulprit(t *testing.T) {
	status := ApplyObservation(alias(), Observation{Members: []Member{check("web", v1alpha1.StatePassing, "")}}, noon)
	if status.Culprit != nil {
		t.Errorf("got %v", status.Culprit)
	}
}

func TestNothingToCombineShowsWhenEmpty(t *testing.T) {
	for asked, shown := range map[v1alpha1.State]v1alpha1.State{
		"": v1alpha1.StateUnknown, v1alpha1.StateCritical: v1alpha1.StateCritical, v1alpha1.StatePassing: v1alpha1.StatePassing,
	} {
		a := alias(func(a *v1alpha1.AliasCheck) { a.Spec.WhenEmpty = asked })
		status := ApplyObservation(a, Observation{Combined: true, Message: "nothing"}, noon)
		if status.State != shown || status.Reason != v1alpha1.ReasonNoChecks || status.Message != "nothing" {
			t.Errorf("asked for %q: %s %s %q", asked, status.State, status.Reason, status.Message)
		}
	}
}

func TestTheSameObservationAgainChangesNothing(t *testing.T) {
	a := alias()
	observation := Observation{Target: "Service/web", Combined: true, Members: []Member{
		check("a", v1alpha1.StateCritical, "down"), check("b", v1alpha1.StatePassing, ""),
	}}
	a.Status = ApplyObservation(a, observation, noon)
	again := ApplyObservation(a, observation, noon.Add(time.Hour))
	if again.LastTransitionTime.Time != a.Status.LastTransitionTime.Time || again.Message != a.Status.Message {
		t.Errorf("got %+v, want %+v", again, a.Status)
	}
}
