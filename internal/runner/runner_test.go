package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/ledger"
)

func check(namespace string, i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
}

// rig is a runner whose probes hang until they are let go, or their context ends.
type rig struct {
	*Runner[string]
	t     *testing.T
	mu    sync.Mutex // of woken and ends
	woken []types.NamespacedName
	ends  map[types.NamespacedName]error
	most  atomic.Int32
	now   atomic.Int32
}

func newRig(t *testing.T, most int) *rig {
	t.Helper()
	r := &rig{t: t, ends: map[types.NamespacedName]error{}}
	r.Runner = New[string](most, func(check types.NamespacedName) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.woken = append(r.woken, check)
	})
	return r
}

func (r *rig) start(check types.NamespacedName, id ledger.Identity, slow bool, run func(context.Context) string) Answer {
	return r.Start(r.t.Context(), Probe[string]{
		Check: check, ID: id, Slow: slow, Done: func() {},
		Run: func(ctx context.Context) string {
			r.most.Store(max(r.most.Load(), r.now.Add(1)))
			defer r.now.Add(-1)
			return run(ctx)
		},
		Ended: func(_ string, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.ends[check] = err
		},
	})
}

// endOf is how the probe of a check ended last.
func (r *rig) endOf(check types.NamespacedName) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ends[check]
}

func hangs(ctx context.Context) string {
	<-ctx.Done()
	return ""
}

func answers(context.Context) string { return "" }

// I2: one probe of a check at a time, and an obsolete one is ended first.
func TestI2AnObsoleteProbeEndsBeforeTheNextBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, web := newRig(t, 8), check("shop", 1)
		old, edited := ledger.Identity{Generation: 1}, ledger.Identity{Generation: 2}
		if got := r.start(web, old, false, hangs); got != Started {
			t.Fatalf("the answer is %d", got)
		}
		synctest.Wait() // it runs
		if got := r.start(web, old, false, hangs); got != Running {
			t.Errorf("to start it again is answered by %d", got)
		}
		if got := r.start(web, edited, false, answers); got != Running {
			t.Errorf("to start the next beside it is answered by %d", got)
		}
		time.Sleep(obsoleteGrace) //nolint:forbidigo // of the clock of the bubble
		synctest.Wait()
		if got := r.start(web, edited, false, answers); got != Started || !errors.Is(r.endOf(web), ErrObsolete) {
			t.Errorf("after it ended with %v, to start the next is answered by %d", r.endOf(web), got)
		}
		synctest.Wait()
		if r.most.Load() != 1 {
			t.Errorf("%d probes ran at once", r.most.Load())
		}
		if r.endOf(web) != nil {
			t.Errorf("the next ended with %v", r.endOf(web))
		}
	})
}

func TestAProbeOfACheckThatIsGoneEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, web := newRig(t, 8), check("shop", 1)
		r.start(web, ledger.Identity{}, false, hangs)
		r.End(web)
		synctest.Wait()
		if !errors.Is(r.endOf(web), ErrObsolete) {
			t.Errorf("it ended with %v, want %v", r.endOf(web), ErrObsolete)
		}
	})
}

// I9: a panic is a result of one check.
func TestI9APanicIsAResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, bad, good := newRig(t, 8), check("shop", 1), check("shop", 2)
		r.start(bad, ledger.Identity{}, false, func(context.Context) string { panic("a bug in a prober") })
		r.start(good, ledger.Identity{}, false, answers)
		synctest.Wait()
		var panicked *PanicError
		if !errors.As(r.endOf(bad), &panicked) || len(panicked.Stack) == 0 || r.endOf(good) != nil {
			t.Errorf("they ended with %v and %v", r.endOf(bad), r.endOf(good))
		}
	})
}

func TestSlowProbesLeaveAQuarterOfTheSlotsToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 8)
		const slots = 6 // of 8, and of them one for other namespaces
		for i := range slots - 1 {
			if got := r.start(check("shop", i), ledger.Identity{}, true, hangs); got != Started {
				t.Fatalf("slow probe %d is answered by %d", i, got)
			}
		}
		if got := r.start(check("shop", 6), ledger.Identity{}, true, hangs); got != NoShare {
			t.Errorf("a sixth slow probe is answered by %d", got)
		}
		if got := r.start(check("other", 0), ledger.Identity{}, true, hangs); got != Started {
			t.Errorf("the first slow probe of another namespace is answered by %d", got)
		}
		if got := r.start(check("other", 1), ledger.Identity{}, true, hangs); got != NoSlot {
			t.Errorf("its second is answered by %d", got)
		}
		if got := r.start(check("shop", 7), ledger.Identity{}, false, answers); got != Started {
			t.Errorf("a quick probe is answered by %d", got)
		}
		r.End(check("shop", 0))
		synctest.Wait()
		if len(r.woken) != 1 || r.woken[0] != check("other", 1) {
			t.Errorf("with the slot that was given back %v is woken", r.woken)
		}
	})
}

func TestAProbeThatTurnsOutToBeSlowNeedsASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 4)
		for i := range 4 {
			r.start(check("shop", i), ledger.Identity{}, false, hangs)
		}
		time.Sleep(SlowAfter) //nolint:forbidigo // of the clock of the bubble
		synctest.Wait()
		var ends []error
		for i := range 4 {
			if err := r.endOf(check("shop", i)); err != nil {
				ends = append(ends, err)
			}
		}
		if len(ends) != 1 || !errors.Is(ends[0], ErrNoShare) {
			t.Errorf("of 4 were ended %v, want the one that has no slot", ends)
		}
	})
}

func TestNothingIsStartedOnceTheRunnerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 4)
		ctx, cancel := context.WithCancel(t.Context())
		ended := false
		r.Start(ctx, Probe[string]{
			Check: check("shop", 1), Run: hangs, Done: func() {},
			Ended: func(_ string, err error) { ended = errors.Is(err, context.Canceled) },
		})
		cancel()
		r.Close()
		if !ended {
			t.Error("it is closed before its probe has ended")
		}
		if r.start(check("shop", 2), ledger.Identity{}, false, answers); r.most.Load() != 0 {
			t.Error("a probe was started")
		}
	})
}
