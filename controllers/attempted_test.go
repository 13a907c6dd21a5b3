package controllers

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

var _ = Describe("A HealthCheck whose status was written, and the answer got lost", func() {
	inAllWays := []any{
		Entry("at a timeout of the API server", apierrors.NewTimeoutError("etcd is slow", 1)),
		Entry("at the deadline of the write", context.DeadlineExceeded),
		Entry("and that was sent again by the client, and refused",
			apierrors.NewConflict(schema.GroupResource{Resource: "healthchecks"}, "web", nil)),
	}

	recovers := func(ctx SpecContext, answer error, edit func(*HealthCheckReconciler, *v1alpha1.HealthCheck)) {
		namespace, web, writes := newNamespace(ctx), newSubject(), &lossy{answer: answer}
		DeferCleanup(web.Close)
		web.status.Store(http.StatusServiceUnavailable)
		var reconciler *HealthCheckReconciler
		startHealthChecks(namespace, func(r *HealthCheckReconciler) {
			reconciler, r.Client, r.Writer.Client = r, &lateReader{Reader: r.Client}, writes.clientOf(api)
		})
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second), failing(0, 1),
			func(h *v1alpha1.HealthCheck) { h.Spec.SuccessThreshold = 3 })
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))

		seen := watchStatuses(ctx, check, func(status v1alpha1.HealthCheckStatus) string {
			return fmt.Sprintf("%s after %d successes", status.State, status.ConsecutiveSuccesses)
		})
		edit(reconciler, statusOf(ctx, check)(Default))
		writes.lose.Store(1)
		web.status.Store(http.StatusOK)
		Eventually(statusOf(ctx, check)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		Expect(seen()).To(HaveExactElements("Critical after 0 successes", "Critical after 1 successes",
			"Critical after 2 successes", "Passing after 3 successes"))
	}

	DescribeTable("goes on from it", append(inAllWays, func(ctx SpecContext, answer error) {
		recovers(ctx, answer, func(*HealthCheckReconciler, *v1alpha1.HealthCheck) {})
	})...)

	DescribeTable("goes on from it though its watch is late", append(inAllWays, func(ctx SpecContext, answer error) {
		recovers(ctx, answer, func(r *HealthCheckReconciler, now *v1alpha1.HealthCheck) {
			r.Client.(*lateReader).shows.Store(now)
		})
	})...)
})

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
	s.Writer.Client, s.failures.grace = writes.clientOf(s.api), time.Nanosecond
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
