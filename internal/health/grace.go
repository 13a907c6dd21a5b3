package health

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ReadGrace is how long a check keeps its state while what the state depends on cannot be read: the target of an alias, or
// what a probe needs of the API server. After that it is Unknown.
const ReadGrace = 2 * time.Minute

// Grace remembers since when reads for each object of one kind have failed. Nobody sees this
// memory: a restart only begins the grace again.
type Grace struct {
	// Length is shorter than ReadGrace in tests; zero is that.
	Length time.Duration

	mu     sync.Mutex
	locked struct { // guarded by mu
		since map[types.NamespacedName]readFailure
	}
}

// readFailure is of one spec of one object: after an edit or a recreation nothing has failed yet.
type readFailure struct {
	uid        types.UID
	generation int64
	at         time.Time
}

// Left is for how much longer a state that has not been confirmed since a time may stand; zero or less if it may not.
func (f *Grace) Left(since, now time.Time) time.Duration {
	grace := f.Length
	if grace == 0 {
		grace = ReadGrace
	}
	return grace - now.Sub(since)
}

// Since is when the reads for an object began to fail: now, if this is the first.
func (f *Grace) Since(object metav1.Object, now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
	failure, known := f.locked.since[name]
	if !known || failure.uid != object.GetUID() || failure.generation != object.GetGeneration() {
		failure = readFailure{uid: object.GetUID(), generation: object.GetGeneration(), at: now}
		if f.locked.since == nil {
			f.locked.since = map[types.NamespacedName]readFailure{}
		}
		f.locked.since[name] = failure
	}
	return failure.at
}

// Ended forgets the failures of an object: what it needs was read, or it was deleted.
func (f *Grace) Ended(object types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.locked.since, object)
}
