package runner

import "k8s.io/apimachinery/pkg/types"

// lane has a number of slots. A namespace may take one of the last quarter only while it holds less than its share, which
// is what there is for each namespace that wants any. So one that has many never keeps another waiting for long, and one
// that is alone has them all. A slot that is given back is kept for the check that has waited the longest.
type lane struct {
	size, used, waiting int
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

// keep reserves the slot of a check for that check.
func (l *lane) keep(check types.NamespacedName) { l.kept[check] = true }

// giveBack frees a slot of a namespace, and returns the checks for which one is kept now.
func (l *lane) giveBack(namespace string) (next []types.NamespacedName) {
	l.used--
	l.members[namespace].held--
	next = l.passOn()
	l.prune(namespace)
	return next
}

// leave is for a check that no longer wants a slot. It returns the checks for which one is kept instead.
func (l *lane) leave(check types.NamespacedName) []types.NamespacedName {
	if l.kept[check] {
		delete(l.kept, check)
		return l.giveBack(check.Namespace)
	}
	if m := l.members[check.Namespace]; m != nil && m.waits[check] {
		l.drop(m, check)
		l.prune(check.Namespace)
		return l.passOn() // the share of the others has grown
	}
	return nil
}

// passOn keeps free slots for checks that wait: each for the one that has waited the longest, of the namespace that holds the
// fewest slots and may have one.
func (l *lane) passOn() (next []types.NamespacedName) {
	for l.waiting > 0 {
		var fewest *member
		for _, m := range l.members {
			if len(m.waits) > 0 && l.free(m) && (fewest == nil || m.held < fewest.held) {
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
		l.drop(fewest, check)
		l.used++
		fewest.held++
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
