package share

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Slots are a number of places, for probes that run at once or for calls of the API server. One that is given back is kept for
// the check that has waited the longest, of the namespace that holds the fewest. Slots are not safe for concurrent use.
type Slots struct {
	size, used, waiting int
	// last are for namespaces that hold less than their share, which is what there is for each that wants any and for so many
	// more as are expected.
	last, expected int
	// members are the namespaces that hold slots, or wait for some.
	members map[string]*member
	// kept are the checks that a slot is kept for.
	kept map[types.NamespacedName]bool
}

type member struct {
	held int
	// waits are the checks that wait, and order is the order in which they came. Some in it may no longer wait.
	waits map[types.NamespacedName]bool
	order []types.NamespacedName
}

// NewSlots makes a number of slots, at least one, that are held for a moment: whoever comes is the next, and a namespace that is
// alone has them all.
func NewSlots(size int) *Slots {
	return &Slots{size: max(size, 1), members: map[string]*member{}, kept: map[types.NamespacedName]bool{}}
}

// NewLongSlots makes slots that are held for long, so that nobody should have to wait for one. The last quarter is left to
// namespaces that hold less than their share.
func NewLongSlots(size int) *Slots {
	slots := NewSlots(size)
	slots.last, slots.expected = size/4, 1
	return slots
}

// Take reports whether there was a slot for a check. Otherwise the check waits.
func (s *Slots) Take(check types.NamespacedName) bool {
	if s.kept[check] {
		delete(s.kept, check)
		return true
	}
	m := s.members[check.Namespace]
	if m == nil {
		m = &member{waits: map[types.NamespacedName]bool{}}
		s.members[check.Namespace] = m
	}
	if !m.waits[check] && s.free(m) {
		s.used++
		m.held++
		return true
	}
	if !m.waits[check] {
		m.wait(check)
		s.waiting++
	}
	return false
}

// wait is the last in the order. What does not wait for its first place goes when that is most of the order.
func (m *member) wait(check types.NamespacedName) {
	if len(m.order) > 2*len(m.waits)+16 {
		m.order = slices.DeleteFunc(m.order, func(c types.NamespacedName) bool { return !m.waits[c] })
	}
	m.waits[check] = true
	m.order = append(m.order, check)
}

func (s *Slots) free(m *member) bool {
	return s.used < s.size && (s.used < s.size-s.last || m.held < s.share())
}

func (s *Slots) share() int { return max(s.size/(len(s.members)+s.expected), 1) }

// OverShare reports whether a namespace that waits does so for its own probes, and not for those of others.
func (s *Slots) OverShare(namespace string) bool {
	m := s.members[namespace]
	return m != nil && m.held >= s.share()
}

// Keep reserves the slot of a check for that check.
func (s *Slots) Keep(check types.NamespacedName) { s.kept[check] = true }

// GiveBack frees a slot of a namespace, and returns the checks for which one is kept now.
func (s *Slots) GiveBack(namespace string) (next []types.NamespacedName) {
	s.used--
	s.members[namespace].held--
	next = s.passOn()
	s.prune(namespace)
	return next
}

// Leave is for a check that no longer wants a slot. It returns the checks for which one is kept instead.
func (s *Slots) Leave(check types.NamespacedName) []types.NamespacedName {
	if s.kept[check] {
		delete(s.kept, check)
		return s.GiveBack(check.Namespace)
	}
	if m := s.members[check.Namespace]; m != nil && m.waits[check] {
		s.drop(m, check)
		s.prune(check.Namespace)
		return s.passOn() // the share of the others has grown
	}
	return nil
}

// passOn keeps free slots for checks that wait: each for the one that has waited the longest, of the namespace that holds the
// fewest slots and may have one.
func (s *Slots) passOn() (next []types.NamespacedName) {
	for s.waiting > 0 {
		var fewest *member
		for _, m := range s.members {
			if len(m.waits) > 0 && s.free(m) && (fewest == nil || m.held < fewest.held) {
				fewest = m
			}
		}
		if fewest == nil {
			break
		}
		for !fewest.waits[fewest.order[0]] {
			fewest.order = fewest.order[1:]
		}
		check := fewest.order[0]
		s.drop(fewest, check)
		s.used++
		fewest.held++
		s.Keep(check)
		next = append(next, check)
	}
	return next
}

func (s *Slots) drop(m *member, check types.NamespacedName) {
	delete(m.waits, check)
	s.waiting--
	if len(m.waits) == 0 {
		m.order = nil
	}
}

func (s *Slots) prune(namespace string) {
	if m := s.members[namespace]; m.held == 0 && len(m.waits) == 0 {
		delete(s.members, namespace)
	}
}
