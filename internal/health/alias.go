package health

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Observation is what an AliasCheck found where its target should be. Either a problem kept it from the
// target, or there are members: the one that it mirrors, or those that it combines.
type Observation struct {
	// Target in short, for the status: HealthCheck/web.
	Target string
	// Suspect is the object to blame for a problem, if it can be named.
	Suspect *v1alpha1.Culprit
	// Problem is the reason why there is no target to read; empty if there is a target.
	Problem string
	// Message says it in words, or, where nothing counts, says what was looked for.
	Message string
	// Combined says that the members are aggregated, and not one of them mirrored.
	Combined bool
	// Members are what counts.
	Members []Member
	// FailingSince is since when the cache that all this was read from could not be verified; zero while it can.
	FailingSince time.Time
}

// Alias is what an AliasCheck of this namespace has to show after an observation.
func Alias(alias *v1alpha1.AliasCheck, o Observation) (Verdict, *v1alpha1.Culprit) {
	switch {
	case o.Problem != "":
		return unresolved(alias.Spec, o)
	case !o.Combined:
		return mirrored(o.Members[0])
	case len(o.Members) == 0:
		return empty(alias.Spec, o), nil
	default:
		return combined(alias, o)
	}
}

// ApplyObservation is the status of an AliasCheck after an observation. The alias itself is not changed.
func ApplyObservation(alias *v1alpha1.AliasCheck, o Observation, now time.Time) v1alpha1.AliasCheckStatus {
	verdict, culprit := Alias(alias, o)
	return v1alpha1.AliasCheckStatus{
		CheckStatus: verdict.ApplyTo(alias.Status.CheckStatus, alias.Generation, now),
		Target:      Bounded(o.Target),
		Culprit:     culprit,
	}
}

// mirrored keeps the target's reason, message and time of transition.
func mirrored(m Member) (Verdict, *v1alpha1.Culprit) {
	v := Verdict{State: Known(m.State), Reason: m.Reason, Message: m.Message, Since: m.Since, Resolved: resolved()}
	if v.State == v1alpha1.StatePassing {
		return v, nil
	}
	culprit := m.culprit()
	return v, &culprit
}

// combined keeps the time of transition while the state lasts. A state that is not the worst member's own is one that the
// alias took.
func combined(alias *v1alpha1.AliasCheck, o Observation) (Verdict, *v1alpha1.Culprit) {
	members := worstFirst(o.Members)
	counted, suspended := counting(members)
	v, culprit := aggregate(counted, suspended, alias.Spec.MinReady, alias.Namespace)
	v.Resolved, v.Stalled = resolutionOf(members), stalled(members, v.State)
	if len(counted) > 0 && Known(counted[0].State) == v.State {
		v.Since = transitionOf(counted, v.State, alias.Status.CheckStatus)
	}
	return v, culprit
}

func empty(spec v1alpha1.AliasCheckSpec, o Observation) Verdict {
	return Verdict{
		State:    orElse(spec.WhenEmpty, v1alpha1.StateUnknown),
		Reason:   v1alpha1.ReasonNoChecks,
		Message:  o.Message,
		Resolved: resolved(),
	}
}

// unresolved is the state for each problem: what the user asked for where the target may yet come, and
// never Passing where the spec itself is the problem or nothing can be known.
func unresolved(spec v1alpha1.AliasCheckSpec, o Observation) (Verdict, *v1alpha1.Culprit) {
	v := Verdict{
		Reason:   o.Problem,
		Message:  o.Message,
		Resolved: &Resolution{Status: metav1.ConditionFalse, Reason: o.Problem, Message: o.Message},
	}
	switch o.Problem {
	case v1alpha1.ReasonAliasCycle, v1alpha1.ReasonAliasTooDeep:
		v.State, v.Stalled = v1alpha1.StateCritical, true
	case v1alpha1.ReasonKindForbidden, v1alpha1.ReasonInvalidTarget, v1alpha1.ReasonInvalidExpression:
		v.State, v.Stalled = v1alpha1.StateUnknown, true
	case v1alpha1.ReasonReadError:
		v.State, v.Resolved.Status = v1alpha1.StateUnknown, metav1.ConditionUnknown
	default:
		v.State = orElse(spec.WhenMissing, v1alpha1.StateCritical)
	}
	if v.State == v1alpha1.StatePassing {
		return v, nil
	}
	return v, o.Suspect
}

func resolved() *Resolution {
	return &Resolution{Status: metav1.ConditionTrue, Reason: "Resolved", Message: "the target is there and can be read"}
}

func orElse(state, fallback v1alpha1.State) v1alpha1.State {
	if state == "" {
		return fallback
	}
	return state
}

// ReadError is the observation of a target that could not be read for longer than the grace for errors.
func ReadError(target, why string) Observation {
	return Observation{Target: target, Problem: v1alpha1.ReasonReadError, Message: "the target cannot be read: " + why}
}
