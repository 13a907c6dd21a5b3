package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/ledger"
	"github.com/aliascheck/aliascheck/internal/share"
)

const (
	// obsoleteGrace is how long an obsolete probe may take to end by itself, where a new one follows it. A server may go
	// on with a request that its client has given up; most answer within this, and so see no two at once.
	obsoleteGrace = time.Second
	// SlowAfter is how long a probe may run without a slot of the lane for slow ones. Nothing but its end tells whether a
	// probe of a new check hangs, or of one that has been quick; without a bound, many would hold every slot until their
	// timeouts.
	SlowAfter = time.Second
)

var (
	// ErrObsolete ends a probe whose check was edited, put into maintenance or deleted: its result would be void, and the
	// new spec need not wait for the old one's timeout.
	ErrObsolete = errors.New("the check has changed")
	// ErrNoSlot ends a probe that turned out to be slow while others had all slots. It is tried again with a slot.
	ErrNoSlot = errors.New("there is no slot for a slow probe")
	// ErrNoShare is an ErrNoSlot of a namespace whose own probes have its share of the slots.
	ErrNoShare = fmt.Errorf("its namespace has its share: %w", ErrNoSlot)
)

// Probe is one that is to run.
type Probe[R any] struct {
	Check types.NamespacedName
	ID    ledger.Identity
	// Slow says that it needs a slot from its beginning.
	Slow bool
	// Run looks at the subject. It returns soon after its context ends.
	Run func(context.Context) R
	// Ended takes the result, or the reason why there is no result: ErrObsolete, ErrNoSlot, the end of the context, or a PanicError.
	Ended func(R, error)
	// Done is called after that, once another of the check may start.
	Done func()
}

// PanicError is that of a probe that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Answer says whether a probe was started.
type Answer int

// The answers to Start.
const (
	// Started: the probe runs, and Ended is called at its end.
	Started Answer = iota
	// Running: a probe of this check still runs. If it is of another identity, it is ended.
	Running
	// NoSlot: others have all slots.
	NoSlot
	// NoShare: probes of the check's own namespace have its share of the slots.
	NoShare
)

// Runner runs probes. A quarter of its slots are for quick ones only: however many targets hang, and for however long,
// those of the others are looked at.
type Runner[R any] struct {
	// wake is called with a check that has a slot now.
	wake func(types.NamespacedName)

	mu     sync.Mutex
	locked struct { // guarded by mu
		all, slow *share.Slots
		running   map[types.NamespacedName]*run
		closed    bool
	}
	group sync.WaitGroup
}

type run struct {
	check  types.NamespacedName
	id     ledger.Identity
	cancel context.CancelCauseFunc
	slow   bool // it holds a slot for slow ones
	ended  bool
}

// New runs so many probes at once. Wake is called with a check that had no slot, once there is one.
func New[R any](most int, wake func(types.NamespacedName)) *Runner[R] {
	r := &Runner[R]{wake: wake}
	r.locked.all, r.locked.slow = share.NewSlots(most), share.NewLongSlots(most*3/4)
	r.locked.running = map[types.NamespacedName]*run{}
	return r
}

// Start runs a probe until it ends or the context does, unless one of the check runs already.
func (r *Runner[R]) Start(ctx context.Context, probe Probe[R]) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.locked.closed {
		return Running // the process ends
	}
	if before := r.locked.running[probe.Check]; before != nil {
		if before.id != probe.ID {
			time.AfterFunc(obsoleteGrace, func() { before.cancel(ErrObsolete) })
		}
		return Running
	}
	if answer := r.admit(probe.Check, probe.Slow); answer != Started {
		return answer
	}
	ctx, cancel := context.WithCancelCause(ctx)
	current := &run{check: probe.Check, id: probe.ID, cancel: cancel, slow: probe.Slow}
	r.locked.running[probe.Check] = current
	r.group.Go(func() { r.run(ctx, current, probe) })
	return Started
}

// admit is called with the lock held. A slow probe that waits for quick ones to end keeps its slot among the slow.
func (r *Runner[R]) admit(check types.NamespacedName, slow bool) Answer {
	switch {
	case !slow:
		r.wakeAll(r.locked.slow.Leave(check))
	case !r.locked.slow.Take(check):
		r.wakeAll(r.locked.all.Leave(check))
		return r.refusal(r.locked.slow, check)
	}
	if r.locked.all.Take(check) {
		return Started
	}
	if slow {
		r.locked.slow.Keep(check)
	}
	return r.refusal(r.locked.all, check)
}

func (r *Runner[R]) refusal(lane *share.Slots, check types.NamespacedName) Answer {
	if lane.OverShare(check.Namespace) {
		return NoShare
	}
	return NoSlot
}

func (r *Runner[R]) wakeAll(checks []types.NamespacedName) {
	for _, check := range checks {
		r.wake(check)
	}
}

// run is what the goroutine of one probe does.
func (r *Runner[R]) run(ctx context.Context, current *run, probe Probe[R]) {
	defer current.cancel(nil)
	if !current.slow {
		timer := time.AfterFunc(SlowAfter, func() { r.turnedSlow(current) })
		defer timer.Stop()
	}
	result, err := guarded(ctx, probe.Run)
	if err == nil {
		err = context.Cause(ctx)
	}
	probe.Ended(result, err)
	r.remove(current)
	probe.Done()
}

// guarded turns a panic into an error.
func guarded[R any](ctx context.Context, run func(context.Context) R) (result R, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = &PanicError{Value: panicked, Stack: debug.Stack()}
		}
	}()
	return run(ctx), nil
}

// turnedSlow takes a slot for a probe that runs for long, or ends it.
func (r *Runner[R]) turnedSlow(current *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if current.ended {
		return
	}
	// If it gets no slot, it waits for one from now on.
	if current.slow = r.locked.slow.Take(current.check); current.slow {
		return
	}
	if r.refusal(r.locked.slow, current.check) == NoShare {
		current.cancel(ErrNoShare)
		return
	}
	current.cancel(ErrNoSlot)
}

// remove gives back what a probe holds.
func (r *Runner[R]) remove(current *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	current.ended = true
	delete(r.locked.running, current.check)
	r.wakeAll(r.locked.all.GiveBack(current.check.Namespace))
	if current.slow {
		r.wakeAll(r.locked.slow.GiveBack(current.check.Namespace))
	}
}

// End ends the probe of a check that must not be probed, or no longer exists.
func (r *Runner[R]) End(check types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wakeAll(r.locked.all.Leave(check))
	r.wakeAll(r.locked.slow.Leave(check))
	if current := r.locked.running[check]; current != nil {
		current.cancel(ErrObsolete)
	}
}

// Close starts no more probes, and returns once none runs. Their context has to end first.
func (r *Runner[R]) Close() {
	r.mu.Lock()
	r.locked.closed = true
	r.mu.Unlock()
	r.group.Wait()
}
