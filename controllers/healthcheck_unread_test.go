package controllers_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

var _ = Describe("A HealthCheck whose probe cannot read what it needs", func() {
	It("keeps its state for the grace, is Unknown after it, and recovers (I5)", func(ctx SpecContext) {
		const grace = 3 * time.Second
		namespace := newNamespace(ctx)
		lease := newLease(ctx, namespace, "worker")
		reads := &failingReader{Reader: api}
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) {
			r.Prober, r.ReadGrace = probe.New(probe.Options{Leases: healthcheck.LiveReads{Reader: reads}}), health.Grace(grace)
		})
		beats := &v1alpha1.HeartbeatProbe{LeaseName: lease.Name, TTL: &metav1.Duration{Duration: time.Hour}}
		check := newHealthCheck(ctx, namespace, "worker", every(time.Second), failing(0, 1),
			func(h *v1alpha1.HealthCheck) { h.Spec.TCP, h.Spec.Heartbeat = nil, beats })
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))

		seen := watchStates(ctx, check)
		reads.fails.Store(true)
		failing := time.Now()
		Eventually(statusOf(ctx, check)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError))
		Expect(time.Since(failing)).To(BeNumerically(">=", grace))
		Expect(statusOf(ctx, check)(Default).Status.Message).To(
			Equal("heartbeat worker: the Lease could not be read: the API server says ServiceUnavailable"))
		Expect(seen()).To(HaveEach(Not(HavePrefix(string(v1alpha1.StateCritical)))))

		reads.fails.Store(false)
		Eventually(statusOf(ctx, check)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
	})
})

// failingReader is an API server that, while it fails, answers every read with 503.
type failingReader struct {
	client.Reader
	fails atomic.Bool
}

func (f *failingReader) Get(
	ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption,
) error {
	if f.fails.Load() {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusServiceUnavailable,
			Reason: metav1.StatusReasonServiceUnavailable, Message: "apiserver not ready"}}
	}
	return f.Reader.Get(ctx, key, object, options...)
}

// newLease is one that was renewed just now.
func newLease(ctx context.Context, namespace, name string) *coordinationv1.Lease {
	GinkgoHelper()
	lease := &coordinationv1.Lease{ObjectMeta: named(namespace, name),
		Spec: coordinationv1.LeaseSpec{RenewTime: &metav1.MicroTime{Time: time.Now()}}}
	Expect(api.Create(ctx, lease)).To(Succeed())
	return lease
}
