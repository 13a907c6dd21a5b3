package status

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// beatInterval is how often it beats. A beat that is missed for longer than MaxObservationAge means that the
// whole process stood still: it was stopped, or its machine was suspended.
const beatInterval = time.Second

// ErrStoodStill ends a manager that stood still for so long that another may lead by now.
var ErrStoodStill = errors.New("the process stood still for longer than a leader may: another may lead by now")

// Standstill notices that the process stood still. A probe that was under way meanwhile may have got its answer long ago, and
// nothing tells how long: a successor may lead by now, and have seen something newer (invariant I3). For the same reason
// the caches cannot be relied on until they have caught up, and nothing tells when that is.
//
// Its answers do not depend on which of the goroutines runs first when the process goes on.
type Standstill struct {
	Clock clock.PassiveClock
	// Limit is how long the process may stand still: after a longer time it writes nothing more, and ends. For one of
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
	_ manager.Runnable               = (*Standstill)(nil)
	_ manager.LeaderElectionRunnable = (*Standstill)(nil)
)

// Start implements manager.Runnable. Its error is ErrStoodStill.
func (s *Standstill) Start(ctx context.Context) error {
	beats := time.NewTicker(beatInterval)
	defer beats.Stop()
	for s.Beat() {
		select {
		case <-beats.C:
		case <-ctx.Done():
			return nil
		}
	}
	return ErrStoodStill
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: a standby may become the leader at any time.
func (s *Standstill) NeedLeaderElection() bool { return false }

// Beat reports whether the process may go on.
func (s *Standstill) Beat() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock.Now()
	stood := s.stood(now)
	if stood > MaxObservationAge {
		s.locked.resumed = now
	}
	s.locked.lost = s.locked.lost || s.beyondLimit(stood)
	s.locked.last = now
	return !s.locked.lost
}

// StoodSince reports whether the process stood still at any time since then.
func (s *Standstill) StoodSince(then time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locked.resumed.After(then) || s.stood(s.Clock.Now()) > MaxObservationAge
}

// MayWrite reports whether the process has never stood still for longer than Limit.
func (s *Standstill) MayWrite() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.locked.lost && !s.beyondLimit(s.stood(s.Clock.Now()))
}

// stood is the time since the last beat. It is called with the lock held.
func (s *Standstill) stood(now time.Time) time.Duration {
	if s.locked.last.IsZero() {
		return 0
	}
	return elapsed(s.locked.last, now)
}

func (s *Standstill) beyondLimit(stood time.Duration) bool { return s.Limit > 0 && stood > s.Limit }

// elapsed is the longer of what the monotonic clock says and the wall clock: the former stands still while a machine is
// suspended, and the latter may be set back.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
