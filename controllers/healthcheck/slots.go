package healthcheck

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// slots bounds the workers that slow probes may hold: three of four. However many targets hang, and for
// however long, the other checks find a worker.
type slots chan struct{}

func slotsOf(workers int) slots { return make(slots, max(workers*3/4, 1)) }

// slotless is how long a probe may hold a worker without a slot. Nothing but its end tells whether a probe of a new
// check hangs, or of one that has been quick; without a bound, many would hold every worker until their timeouts.
const slotless = time.Second

// retrySlot is how long a check waits where too many slow ones are being probed. Slots are not handed out in turn:
// whoever asks first after one is given back has it, so with many more slow checks than slots some wait long.
const retrySlot = time.Second

// errNoSlot ends a probe that turned out to be slow while slower ones had all slots. It is tried again with a slot.
var errNoSlot = errors.New("there is no slot for a slow probe")

// slot is what a probe holds, or may come to need.
type slot struct {
	of slots

	mu     sync.Mutex
	locked struct { // guarded by mu
		taken, ended bool
	}
}

// try begins a probe of a check, with a slot if it is to be thought slow; nil where all are taken.
func (s slots) try(check *v1alpha1.HealthCheck, memory *remembered) *slot {
	held := &slot{of: s}
	if probablySlow(check, memory) && !held.take() {
		return nil
	}
	return held
}

// take reports whether the probe has a slot, now or already, or needs none any more.
func (s *slot) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked.taken || s.locked.ended {
		return true
	}
	select {
	case s.of <- struct{}{}:
		s.locked.taken = true
		return true
	default:
		return false
	}
}

// release ends the need of a slot.
func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locked.ended = true
	if s.locked.taken {
		s.locked.taken = false
		<-s.of
	}
}

// bound ends the context of a probe which after a while still has no slot.
func (s *slot) bound(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(after, func() {
		if !s.take() {
			end(errNoSlot)
		}
	})
	return ctx, func() {
		timer.Stop()
		end(nil)
	}
}

// isSlow reports whether a probe that took so long needs a slot the next time.
func isSlow(took, timeout time.Duration) bool { return took >= min(timeout/2, slotless) }

// probablySlow reports whether a probe of this spec was slow the last time, or, where this process has not probed
// it yet, whether it may have been: it is failing. A new check and an edited one have the benefit of the doubt:
// what a user has just said does not wait.
func probablySlow(check *v1alpha1.HealthCheck, memory *remembered) bool {
	switch {
	case memory.slow && memory.slowOf == check.Generation:
		return true
	case check.Status.ObservedGeneration != check.Generation, memory.probed:
		return false
	default:
		return health.Worse(check.Status.State, v1alpha1.StateWarning) || check.Status.ConsecutiveFailures > 0
	}
}
