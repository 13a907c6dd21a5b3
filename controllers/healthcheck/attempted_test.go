package healthcheck

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

func TestAJobWhoseResultWasWrittenWithoutAnAnswerIsCounted(t *testing.T) {
	s := newScene(t)
	writes := &lossy{answer: context.DeadlineExceeded}
	s.Writer.Client = writes.clientOf(s.api)
	s.prober.probes(failedJob("a"), unreadJob(""), failedJob("b"))
	writes.lose.Store(1)
	s.reconcileWhenDue()
	s.expectFailures(1)
	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("a")}
	s.reconcile() // the retry
	s.prober.expectBegun(1)

	s.reconcileWhenDue()
	s.reconcile() // the retry
	s.prober.expectBegun(3)
	s.expectFailures(2)
}

// What was shown for want of a result is not the result that is still to come.
func TestAProbeThatCouldNotReadStaysLostThoughThatWasWrittenWithoutAnAnswer(t *testing.T) {
	s := newScene(t)
	writes := &lossy{answer: context.DeadlineExceeded}
	s.Writer.Client, s.Grace.Length = writes.clientOf(s.api), time.Nanosecond
	s.prober.probes(unreadJob("a"), unreadJob("a"))
	s.reconcileWhenDue()
	s.clock.SetTime(s.clock.Now().Add(time.Second))
	writes.lose.Store(1)
	s.reconcile()
	s.expectState(v1alpha1.StateUnknown)

	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("a")}
	s.reconcile()
	s.prober.expectBegun(2)
	s.expectState(v1alpha1.StateCritical)
}

// The newer result needed no write, so that nothing refuses the older one when it comes late.
func TestAWriteThatComesAfterANewerResultIsLookedAtAgain(t *testing.T) {
	s := newScene(t)
	late := &lateWrites{}
	s.Writer.Client = late.clientOf(s.api)
	s.prober.probes(passedJob(""), failedJob(""), passedJob(""), passedJob("")) // no Job makes the difference
	s.reconcileWhenDue()
	late.hold = true
	s.reconcileWhenDue()
	s.reconcile() // the retry
	s.expectFailures(0)
	late.arrive(t)
	s.expectFailures(1)

	s.reconcile()
	s.prober.expectBegun(4)
	s.expectFailures(0)
}

// lateWrites is a client whose status updates are done after it has been told that they were not.
type lateWrites struct {
	hold bool
	held func(context.Context) error
}

func (l *lateWrites) clientOf(inner client.WithWatch) client.WithWatch {
	return interceptor.NewClient(inner, interceptor.Funcs{SubResourceUpdate: func(
		ctx context.Context, inner client.Client, of string, object client.Object, options ...client.SubResourceUpdateOption,
	) error {
		if !l.hold {
			return inner.SubResource(of).Update(ctx, object, options...)
		}
		sent := object.DeepCopyObject().(client.Object)
		l.hold, l.held = false, func(ctx context.Context) error { return inner.SubResource(of).Update(ctx, sent, options...) }
		return context.DeadlineExceeded
	}})
}

func (l *lateWrites) arrive(t *testing.T) {
	t.Helper()
	if err := l.held(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestARecognisedStatusIsOfItsOwnProbe(t *testing.T) {
	first, second := time.Unix(1000, 0), time.Unix(1010, 0)
	shown := func(failures int32) *v1alpha1.HealthCheck {
		check := &v1alpha1.HealthCheck{}
		check.ResourceVersion, check.Status.ConsecutiveFailures = "2", failures
		return check
	}
	for failures, want := range map[int32]remembered{
		1: {lookedAt: first, counted: "a", lost: true}, // what was due since is due still, and the other Job to be judged
		2: {lookedAt: second, counted: "b"},
	} {
		memory := &remembered{lookedAt: first, job: "a", lost: true}
		memory.tried(shown(1).Status, true)
		memory.lookedAt, memory.job = second, "b"
		memory.tried(shown(2).Status, true)
		memory.recognise(shown(failures), second)
		if memory.lookedAt != want.lookedAt || memory.counted != want.counted || memory.lost != want.lost {
			t.Errorf("of %d failures: looked at %s, counted %q, lost %t; want %s, %q, %t", failures,
				memory.lookedAt, memory.counted, memory.lost, want.lookedAt, want.counted, want.lost)
		}
	}
}

func TestOfManyWritesThatFailTheFirstAndTheLastAreRemembered(t *testing.T) {
	memory := &remembered{}
	shown := func(failures int32) *v1alpha1.HealthCheck {
		check := &v1alpha1.HealthCheck{}
		check.ResourceVersion, check.Status.ConsecutiveFailures = "2", failures
		return check
	}
	const many = 100
	for i := range int32(many) {
		memory.tried(shown(i).Status, true)
	}
	if got := len(memory.attempted); got != maxAttempts {
		t.Errorf("%d attempts are remembered, want %d", got, maxAttempts)
	}
	for failures, ours := range map[int32]bool{0: true, many - 1: true, many / 2: false, many: false} {
		known := *memory
		known.recognise(shown(failures), time.Now())
		if known.foreign(shown(failures)) == ours {
			t.Errorf("the status of attempt %d is recognised: %t, want %t", failures, !ours, ours)
		}
	}
}

// lossy is a client which does not get the answer to some status updates that were done.
type lossy struct {
	answer error
	// lose is how many more of them.
	lose atomic.Int32
}

func (l *lossy) clientOf(inner client.WithWatch) client.WithWatch {
	return interceptor.NewClient(inner, interceptor.Funcs{SubResourceUpdate: func(
		ctx context.Context, inner client.Client, of string, object client.Object, options ...client.SubResourceUpdateOption,
	) error {
		if l.lose.Load() == 0 {
			return inner.SubResource(of).Update(ctx, object, options...)
		}
		sent := object.DeepCopyObject().(client.Object)
		if err := inner.SubResource(of).Update(ctx, sent, options...); err != nil {
			return err
		}
		l.lose.Add(-1)
		return l.answer
	}})
}

// lateReader is a cache that, from some time on, shows one version of the only check there is.
type lateReader struct {
	client.Reader
	shows atomic.Pointer[v1alpha1.HealthCheck]
}

func (l *lateReader) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if shown := l.shows.Load(); shown != nil {
		*object.(*v1alpha1.HealthCheck) = *shown
		return nil
	}
	return l.Reader.Get(ctx, key, object, options...)
}
