package controllers

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/target"
)

// readGrace is how long a check keeps its state while what that depends on cannot be read: the target of an alias, or
// what a probe needs of the API server. After that it is Unknown.
const readGrace = 2 * time.Minute

// readFailures remembers since when reads for each object of one kind have failed. It is no state that anybody sees: a
// restart only gives the grace anew.
type readFailures struct {
	// grace is shorter than readGrace in tests; zero is that.
	grace time.Duration

	mu     sync.Mutex
	locked struct { // guarded by mu
		since map[types.NamespacedName]readFailure
	}
}

// readFailure is of one spec of one object: another has not failed yet.
type readFailure struct {
	uid        types.UID
	generation int64
	at         time.Time
}

// left is for how much longer a state may stand that has not been confirmed since a time; not positive when it may not.
func (f *readFailures) left(since, now time.Time) time.Duration {
	grace := f.grace
	if grace == 0 {
		grace = readGrace
	}
	return grace - now.Sub(since)
}

// since is when the reads for an object began to fail: now, if this is the first.
func (f *readFailures) since(object client.Object, now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := client.ObjectKeyFromObject(object)
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

// ended forgets the failures of an object: what it needs was read, or it is gone itself.
func (f *readFailures) ended(object types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.locked.since, object)
}

// whyUnreadable tells a read error to users. It leaves out what differs each time, such as ports.
func whyUnreadable(err error) string {
	var status apierrors.APIStatus
	var network net.Error
	var cache target.UnconfirmedError
	switch {
	case errors.Is(err, target.ErrNotYet):
		return "the API server has not answered yet"
	case errors.As(err, &cache):
		return "the API server fails to list and watch what it is read from"
	case errors.As(err, &status) && status.Status().Reason != "":
		return "the API server says " + string(status.Status().Reason)
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return "the API server does not answer"
	default:
		return "see the log of the manager"
	}
}
