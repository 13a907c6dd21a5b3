package share

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// forgetAfter is how long after its turn an object that has not come is forgotten.
const forgetAfter = time.Minute

// Turns say when an object may be written: at once while its namespace has tokens, and otherwise in the order in which its
// objects asked, each when its token comes. An object that comes at its turn is written as it is then: the newest state wins,
// and those between are never written. A nil Turns lets everything through.
type Turns struct {
	buckets *Buckets

	mu     sync.Mutex
	locked struct { // guarded by mu
		due    map[types.NamespacedName]time.Time
		pruned time.Time
	}
}

// NewTurns are of a namespace's own rate and burst.
func NewTurns(perSecond float64, burst int) *Turns {
	t := &Turns{buckets: NewBuckets(perSecond, burst)}
	t.locked.due = map[types.NamespacedName]time.Time{}
	return t
}

// Wait is how long an object has to wait for its turn; zero where it is now, which it has then used.
func (t *Turns) Wait(name types.NamespacedName, now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune(now)
	due, asked := t.locked.due[name]
	if !asked {
		due = now.Add(t.buckets.Spend(name.Namespace, 1, now))
	}
	if !due.After(now) {
		delete(t.locked.due, name)
		return 0
	}
	t.locked.due[name] = due
	return due.Sub(now)
}

// prune is called with the lock held.
func (t *Turns) prune(now time.Time) {
	if now.Sub(t.locked.pruned) < forgetAfter {
		return
	}
	t.locked.pruned = now
	for name, due := range t.locked.due {
		if now.Sub(due) > forgetAfter {
			delete(t.locked.due, name)
		}
	}
}
