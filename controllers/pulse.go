package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

// pulseInterval is how often the pulse beats. A beat that is missed for longer than maxObservationAge means that the
// whole process stood still: it was stopped, or its machine was suspended.
const pulseInterval = time.Second

// pulse notices that the process stood still. A probe that was under way meanwhile may have got its answer long ago, and
// nothing tells how long: a successor may lead by now, and have seen something newer (invariant I3).
type pulse struct {
	clock clock.PassiveClock

	mu     sync.Mutex
	locked struct { // guarded by mu
		last    time.Time // zero before the first beat
		resumed time.Time // when the last standstill ended
	}
}

func newPulse(clock clock.PassiveClock) *pulse { return &pulse{clock: clock} }

// Start implements manager.Runnable.
func (p *pulse) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(context.Context) { p.beat() }, pulseInterval)
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: a standby may become the leader at any time.
func (p *pulse) NeedLeaderElection() bool { return false }

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if p.stoodStill(now) {
		p.locked.resumed = now
	}
	p.locked.last = now
}

// stoodSince reports whether the process stood still at any time since then. It does not depend on which of the
// goroutines runs first when the process goes on.
func (p *pulse) stoodSince(then time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.locked.resumed.After(then) || p.stoodStill(p.clock.Now())
}

// stoodStill is called with the lock held.
func (p *pulse) stoodStill(now time.Time) bool {
	return !p.locked.last.IsZero() && now.Sub(p.locked.last) > maxObservationAge
}
