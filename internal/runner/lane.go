package runner

import "k8s.io/apimachinery/pkg/types"

// lane has a number of slots. A namespace may take one of the last quarter only while it holds less than its share, which
// is what there is for each namespace that wants any. So one that has many never keeps another waiting for long, and one
// that is alone has them all. A slot that is given back is kept for who has waited for the longest.
type lane struct {
	size, used, waiting int
	// members are the namespaces that hold slots, or wait for some.
	members map[string]*member
	// kept are the checks that a slot is kept for.
	kept map[types.NamespacedName]bool
}

type member struct {
	held int
	// waits are the checks that wait, and order is how they came. Some of it may wait no longer.
	waits map[types.NamespacedName]bool
	order []types.NamespacedName
}

func newLane(size int) *lane {
	return &lane{size: max(size, 1), members: map[string]*member{}, kept: map[types.NamespacedName]bool{}}
}

// take reports whether there was a slot for a check. Otherwise the check waits.
func (l *lane) take(check types.NamespacedName) bool {
	if l.kept[check] {
		delete(l.kept, check)
		return true
	}
	m := l.members[check.Namespace]
	if m == nil {
		m = &member{waits: map[types.NamespacedName]bool{}}
		l.members[check.Namespace] = m
	}
	if !m.waits[check] && l.free(m) {
		l.used++
		m.held++
		return true
	}
	if !m.waits[check] {
		m.waits[check] = true
		m.order = append(m.order, check)
		l.waiting++
	}
	return false
}

func (l *lane) free(m *member) bool {
	return l.used < l.size && (l.used < l.size-l.size/4 || m.held < l.share())
}

func (l *lane) share() int { return max(l.size/len(l.members), 1) }

// overShare reports whether a namespace that waits does so for its own probes, and not for those of others.
func (l *lane) overShare(namespace string) bool {
	m := l.members[namespace]
	return m != nil && m.held >= l.share()
}

// keep gives the slot of a check back, but for the check itself.
func (l *lane) keep(check types.NamespacedName) { l.kept[check] = true }

// giveBack returns the checks that have a slot now.
func (l *lane) giveBack(namespace string) (next []types.NamespacedName) {
	l.used--
	l.members[namespace].held--
	next = l.passOn()
	l.prune(namespace)
	return next
}

// leave is for a check that wants no slot, and returns those that have one instead.
func (l *lane) leave(check types.NamespacedName) []types.NamespacedName {
	if l.kept[check] {
		delete(l.kept, check)
		return l.giveBack(check.Namespace)
	}
	if m := l.members[check.Namespace]; m != nil && m.waits[check] {
		l.drop(m, check)
		l.prune(check.Namespace)
		return l.passOn() // the others have a larger share
	}
	return nil
}

// passOn keeps what is free for those who wait: each time for the check that has waited for the longest, of the namespace
// that holds the fewest slots and may have one.
func (l *lane) passOn() (next []types.NamespacedName) {
	for l.waiting > 0 {
		var of *member
		for _, m := range l.members {
			if len(m.waits) > 0 && l.free(m) && (of == nil || m.held < of.held) {
				of = m
			}
		}
		if of == nil {
			break
		}
		for !of.waits[of.order[0]] {
			of.order = of.order[1:]
		}
		check := of.order[0]
		l.drop(of, check)
		l.used++
		of.held++
		l.keep(check)
		next = append(next, check)
	}
	return next
}

func (l *lane) drop(m *member, check types.NamespacedName) {
	delete(m.waits, check)
	l.waiting--
	if len(m.waits) == 0 {
		m.order = nil
	}
}

func (l *lane) prune(namespace string) {
	if m := l.members[namespace]; m.held == 0 && len(m.waits) == 0 {
		delete(l.members, namespace)
	}
}
