package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// pulseInterval is how often the pulse beats. A beat that is missed for longer than maxObservationAge means that the
// whole process stood still: it was stopped, or its machine was suspended.
const pulseInterval = time.Second

// ErrStoodStill ends a manager that stood still for so long that another may lead by now.
var ErrStoodStill = errors.New("the process stood still for longer than a leader may: another may lead by now")

// Pulse notices that the process stood still. A probe that was under way meanwhile may have got its answer long ago, and
// nothing tells how long: a successor may lead by now, and have seen something newer (invariant I3). For the same reason
// the caches are not to be relied on until they have caught up, which nothing tells either.
//
// Its answers do not depend on which of the goroutines runs first when the process goes on. A nil Pulse notices nothing.
type Pulse struct {
	Clock clock.PassiveClock
	// Limit is how long the process may stand still: after a longer time it writes nothing any more, and ends. For one of
	// several replicas it is the renew deadline of the lease. Zero is no limit.
	Limit time.Duration

	mu     sync.Mutex
	locked struct { // guarded by mu
		last    time.Time // zero before the first beat
		resumed time.Time // when the last standstill ended
		lost    bool      // one was longer than Limit
	}
}

var (
	_ manager.Runnable               = (*Pulse)(nil)
	_ manager.LeaderElectionRunnable = (*Pulse)(nil)
)

// Start implements manager.Runnable. Its error is ErrStoodStill.
func (p *Pulse) Start(ctx context.Context) error {
	beats := time.NewTicker(pulseInterval)
	defer beats.Stop()
	for p.beat() {
		select {
		case <-beats.C:
		case <-ctx.Done():
			return nil
		}
	}
	return ErrStoodStill
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: a standby may become the leader at any time.
func (p *Pulse) NeedLeaderElection() bool { return false }

// beat reports whether the process may go on.
func (p *Pulse) beat() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Clock.Now()
	stood := p.stood(now)
	if stood > maxObservationAge {
		p.locked.resumed = now
	}
	p.locked.lost = p.locked.lost || p.beyondLimit(stood)
	p.locked.last = now
	return !p.locked.lost
}

// stoodSince reports whether the process stood still at any time since then.
func (p *Pulse) stoodSince(then time.Time) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.locked.resumed.After(then) || p.stood(p.Clock.Now()) > maxObservationAge
}

// mayWrite reports whether the process has never stood still for longer than Limit.
func (p *Pulse) mayWrite() bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.locked.lost && !p.beyondLimit(p.stood(p.Clock.Now()))
}

// stood is the time since the last beat. It is called with the lock held.
func (p *Pulse) stood(now time.Time) time.Duration {
	if p.locked.last.IsZero() {
		return 0
	}
	return elapsed(p.locked.last, now)
}

func (p *Pulse) beyondLimit(stood time.Duration) bool { return p.Limit > 0 && stood > p.Limit }

// elapsed is the longer of what the monotonic clock says and the wall clock: the former stands still while a machine is
// suspended, and the latter may be set back.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
