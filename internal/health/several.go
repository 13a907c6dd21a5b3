package health

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Alone is one of several targets of an alias, as an alias of it alone would show it.
func Alone(alias *v1alpha1.AliasCheck, itself Member, o Observation) Member {
	alone := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: alias.Namespace}, Spec: alias.Spec}
	alone.Spec.MinReady = nil
	verdict, culprit := Alias(alone, o)
	if mirrored := o.Problem == "" && !o.Combined; mirrored {
		itself = o.Members[0]
	} else if culprit != nil && *culprit != itself.culprit() {
		itself.Deeper = culprit
	}
	itself.State, itself.Reason, itself.Message = verdict.State, verdict.Reason, verdict.Message
	itself.Since, itself.Stalled = verdict.Since, verdict.Stalled
	itself.FailingSince = o.FailingSince
	if verdict.Resolved.Status != metav1.ConditionTrue {
		itself.Unresolved = verdict.Resolved
	}
	return itself
}

// Decided reports whether the members that could not be read make no difference: the alias shows the same state whether they
// are healthy or not.
func Decided(alias *v1alpha1.AliasCheck, o Observation) bool {
	if !o.PartlyRead() {
		return false
	}
	best, _ := Alias(alias, o.supposing(v1alpha1.StatePassing))
	worst, _ := Alias(alias, o.supposing(v1alpha1.StateCritical))
	return best.State == worst.State
}

// PartlyRead reports whether there are several of which some could not be read.
func (o Observation) PartlyRead() bool {
	return slices.ContainsFunc(o.Members, func(m Member) bool { return m.Unread != nil })
}

func (o Observation) supposing(state v1alpha1.State) Observation {
	members := make([]Member, 0, len(o.Members))
	for _, m := range o.Members {
		if m.Unread != nil {
			m.State, m.Reason = state, ""
		}
		members = append(members, m)
	}
	o.Members = members
	return o
}

// ReadErrors is an observation of several of which some could not be read: those are Unknown, and why says it of each.
func (o Observation) ReadErrors(why func(error) string) Observation {
	members := make([]Member, 0, len(o.Members))
	for _, m := range o.Members {
		if m.Unread != nil {
			m.State, m.Reason = v1alpha1.StateUnknown, v1alpha1.ReasonReadError
			m.Message = "it cannot be read: " + why(m.Unread)
			m.Unresolved = &Resolution{Status: metav1.ConditionUnknown, Reason: m.Reason, Message: m.Message}
		}
		members = append(members, m)
	}
	o.Members = members
	return o
}

// Failing are since when the caches that an observation was read from could not be verified, for all of it or for members.
func (o Observation) Failing() []time.Time {
	var all []time.Time
	if !o.FailingSince.IsZero() {
		all = append(all, o.FailingSince)
	}
	for _, m := range o.Members {
		if !m.FailingSince.IsZero() && m.Unread == nil {
			all = append(all, m.FailingSince)
		}
	}
	return all
}

// Changes is when an observation ends by itself; zero if it does not.
func (o Observation) Changes() (next time.Time) {
	for _, m := range o.Members {
		next = earlier(next, m.Changes)
	}
	return next
}

// resolutionOf says whether all members are there, and if not, what the first of them lacks: one that is known to be
// absent before one of which it is not known.
func resolutionOf(sorted []Member) *Resolution {
	found := resolved()
	for _, m := range sorted {
		if m.Unresolved == nil {
			continue
		}
		if m.Unresolved.Status == metav1.ConditionFalse {
			return m.Unresolved
		}
		if found.Status == metav1.ConditionTrue {
			found = m.Unresolved
		}
	}
	return found
}

// stalled reports whether no retry can help: one of the members can never be read, and without it the alias is not Ready.
func stalled(members []Member, state v1alpha1.State) bool {
	if Ready(state) == metav1.ConditionTrue {
		return false
	}
	for _, m := range members {
		if m.Stalled {
			return true
		}
	}
	return false
}
