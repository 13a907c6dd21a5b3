package health

import (
	"cmp"
	"slices"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Member is one thing that counts towards a state: a check, the conditions of a Node, the endpoints of a
// Service, or the one object that is mirrored.
type Member struct {
	APIVersion, Kind, Namespace, Name string

	State   v1alpha1.State
	Reason  string
	Message string

	// Since is when the state began; zero if the source does not say.
	Since time.Time

	// Deeper is what decided the state of a member that is itself an alias, or combines others.
	Deeper *v1alpha1.Culprit

	// Telling says that the reason explains the state of an aggregate that this member alone decides.
	Telling bool

	// Changes is when to look again, because its maintenance ends then; zero if nothing changes by itself.
	Changes time.Time

	// Unread is why it could not be read; then its state says nothing.
	Unread error
	// FailingSince is since when the cache that it was read from could not be verified; zero while it can.
	FailingSince time.Time
	// Unresolved says why it has no target; nil if it has one.
	Unresolved *Resolution
	// Stalled says that no retry can change that.
	Stalled bool
}

// NameFrom is how a message of this namespace names the member: HealthCheck web, HealthCheck shop/web.
func (m Member) NameFrom(namespace string) string {
	if m.Namespace == "" || m.Namespace == namespace {
		return m.Kind + " " + m.Name
	}
	return m.Kind + " " + m.Namespace + "/" + m.Name
}

// culprit is what decided the state of the member: itself, or what is behind it.
func (m Member) culprit() v1alpha1.Culprit {
	if m.Deeper != nil {
		return *m.Deeper
	}
	return v1alpha1.Culprit{APIVersion: m.APIVersion, Kind: m.Kind, Name: m.Name, Namespace: m.Namespace}
}

// suspended reports whether nobody looks at a member, on purpose. A state that was read counts whatever its reason is: an
// outage is not left out because somebody calls it Suspended.
func (m Member) suspended() bool {
	return Known(m.State) == v1alpha1.StateUnknown && m.Reason == v1alpha1.ReasonSuspended
}

// ready reports whether the member is Passing or Warning.
func (m Member) ready() bool {
	return m.State == v1alpha1.StatePassing || m.State == v1alpha1.StateWarning
}

// counting separates the members that count from those that are suspended. Both stay as they are sorted.
func counting(sorted []Member) (counted, suspended []Member) {
	if !slices.ContainsFunc(sorted, Member.suspended) {
		return sorted, nil
	}
	for _, m := range sorted {
		if m.suspended() {
			suspended = append(suspended, m)
		} else {
			counted = append(counted, m)
		}
	}
	return counted, suspended
}

// worstFirst orders members by severity, and then by kind, namespace and name, so that the same members always give the
// same message. One object may be there more than once, by different conditions: then what they say orders them. It sorts pointers:
// members are large, and a roll-up may have a thousand.
func worstFirst(members []Member) []Member {
	order := make([]*Member, len(members))
	for i := range members {
		order[i] = &members[i]
	}
	slices.SortFunc(order, worse)
	sorted := make([]Member, len(members))
	for i, m := range order {
		sorted[i] = *m
	}
	return sorted
}

func worse(a, b *Member) int {
	return cmp.Or(
		cmp.Compare(severity(b.State), severity(a.State)),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.APIVersion, b.APIVersion),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Message, b.Message),
	)
}

// sameState is the leading members that are as bad as the first.
func sameState(sorted []Member) []Member {
	end := slices.IndexFunc(sorted, func(m Member) bool { return severity(m.State) != severity(sorted[0].State) })
	if end < 0 {
		return sorted
	}
	return sorted[:end]
}
