package health

import (
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// transitionOf is when an aggregate took the worst state of its members, if they say so; otherwise it is zero, and the
// state began when it was first shown. Before is what was shown until now.
//
// A state that became worse did so with the first member that took the new state after the old one began. One
// that became better did so with a member that recovered or went away, and who went away says nothing. All that
// pass have done so since the last of them does.
func transitionOf(members []Member, worst v1alpha1.State, before v1alpha1.CheckStatus) time.Time {
	switch {
	case before.LastTransitionTime == nil:
		return firstTransition(members, worst)
	case !Worse(worst, Known(before.State)):
		return time.Time{}
	}
	return earliest(members, worst, before.LastTransitionTime.Time)
}

func firstTransition(members []Member, worst v1alpha1.State) time.Time {
	if worst != v1alpha1.StatePassing {
		return earliest(members, worst, time.Time{})
	}
	var last time.Time
	for _, m := range members {
		if m.Since.IsZero() {
			return time.Time{}
		}
		if m.Since.After(last) {
			last = m.Since
		}
	}
	return last
}

// earliest is when the first of the members in this state took it, if all of them did so after a time and say when.
func earliest(members []Member, state v1alpha1.State, after time.Time) time.Time {
	var first time.Time
	for _, m := range members {
		if Known(m.State) != state {
			continue
		}
		if !m.Since.After(after) {
			return time.Time{}
		}
		if first.IsZero() || m.Since.Before(first) {
			first = m.Since
		}
	}
	return first
}
