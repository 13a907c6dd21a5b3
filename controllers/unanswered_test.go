package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
)

var _ = Describe("A HealthCheck whose status was written, and the answer got lost", func() {
	inAllWays := []any{
		Entry("at a timeout of the API server", apierrors.NewTimeoutError("etcd is slow", 1)),
		Entry("at the deadline of the write", context.DeadlineExceeded),
		Entry("and that was sent again by the client, and refused",
			apierrors.NewConflict(schema.GroupResource{Resource: "healthchecks"}, "web", nil)),
	}

	recovers := func(ctx SpecContext, answer error, edit func(*healthcheck.Reconciler, *v1alpha1.HealthCheck)) {
		namespace, web, writes := newNamespace(ctx), newSubject(), &lossy{answer: answer}
		DeferCleanup(web.Close)
		web.status.Store(http.StatusServiceUnavailable)
		var reconciler *healthcheck.Reconciler
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) {
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
		Eventually(seen).Should(HaveExactElements("Critical after 0 successes", "Critical after 1 successes",
			"Critical after 2 successes", "Passing after 3 successes"))
	}

	DescribeTable("goes on from it", append(inAllWays, func(ctx SpecContext, answer error) {
		recovers(ctx, answer, func(*healthcheck.Reconciler, *v1alpha1.HealthCheck) {})
	})...)

	DescribeTable("goes on from it though its watch is late", append(inAllWays, func(ctx SpecContext, answer error) {
		recovers(ctx, answer, func(r *healthcheck.Reconciler, now *v1alpha1.HealthCheck) {
			r.Client.(*lateReader).shows.Store(now)
		})
	})...)
})

// lossy is a client which does not get the answer to some status updates that were done.
type lossy struct {
	answer error
	// lose is how many more of them.
	lose atomic.Int32
}

func (l *lossy) clientOf(inner client.WithWatch) client.WithWatch {
	return interceptor.NewClient(inner, interceptor.Funcs{SubResourceUpdate: func(
		ctx context.Context, inner client.Client, subresource string, object client.Object, options ...client.SubResourceUpdateOption,
	) error {
		if l.lose.Load() == 0 {
			return inner.SubResource(subresource).Update(ctx, object, options...)
		}
		sent := object.DeepCopyObject().(client.Object)
		if err := inner.SubResource(subresource).Update(ctx, sent, options...); err != nil {
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
