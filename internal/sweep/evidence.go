package sweep

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/utils/clock"
)

// trust is for how long the events of a watch are believed while no comparison with the API server succeeds.
const trust = 8 * time.Minute

// evidence records whether the lists and watches of one informer, and the comparisons of the sweep, have lately
// succeeded. While all of them fail nobody knows whether the cache is still right.
type evidence struct {
	clock clock.PassiveClock

	mu     sync.Mutex
	locked struct { // guarded by mu
		good, proved time.Time // when something, or a comparison, last succeeded
		// failing is when the first attempt began that failed after that; zero while the last one has not.
		failing time.Time
		// unproved is the same, of comparisons alone.
		unproved time.Time
	}
}

// heard records that a watch has begun, or has delivered something.
func (e *evidence) heard() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.locked.good, e.locked.failing = e.clock.Now(), time.Time{}
}

// confirmed records that the cache equals the API server, or has just been filled from it.
func (e *evidence) confirmed() {
	e.heard()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.locked.proved, e.locked.unproved = e.locked.good, time.Time{}
}

// failed records that a list or watch which began at this time has failed.
func (e *evidence) failed(began time.Time, err error) {
	if ignorable(err) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.locked.failing = firstFailure(e.locked.failing, began, e.locked.good)
}

// refuted records that a comparison which began at this time has failed, or has found the cache wrong.
func (e *evidence) refuted(began time.Time, err error) {
	if ignorable(err) {
		return
	}
	e.failed(began, err)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.locked.unproved = firstFailure(e.locked.unproved, began, e.locked.proved)
}

// firstFailure keeps the first failure. The time until the last success during the attempt does not count as failing.
func firstFailure(first, began, good time.Time) time.Time {
	switch {
	case !first.IsZero():
		return first
	case began.Before(good):
		return good
	default:
		return began
	}
}

// failingSince is zero while the cache can be believed. It is about attempts that failed, and not about the time
// since the last that did not: neither a long interval nor a process that was held up is a failure.
func (e *evidence) failingSince(trust time.Duration) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.locked.failing.IsZero() || e.locked.unproved.IsZero() {
		return e.locked.failing
	}
	if end := e.locked.unproved.Add(trust); e.clock.Now().After(end) {
		return end
	}
	return time.Time{}
}

// ignorable errors say nothing about the cache. A request that was cancelled, or was told to list again, belongs to
// the ordinary life of a watch. Where connections are refused there is no API server: nobody can be shown anything,
// and once it is back its lists and watches decide.
func ignorable(err error) bool {
	return errors.Is(err, context.Canceled) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) ||
		utilnet.IsConnectionRefused(err)
}
