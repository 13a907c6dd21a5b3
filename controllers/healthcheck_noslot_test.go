package controllers_test

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
	"github.com/aliascheck/aliascheck/internal/health"
)

var _ = Describe("A HealthCheck that has no slot", func() {
	const (
		workers, slots = 4, 3
		grace          = 3 * time.Second
	)

	It("keeps its state for the grace, is Unknown after it, and recovers (I5)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		web, others := newSubject(), newSubject()
		DeferCleanup(web.Close)
		DeferCleanup(others.Close)
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) {
			r.MaxConcurrentProbes, r.SlotGrace, r.ReadGrace = workers, health.Grace(grace), health.Grace(grace)
		})
		quick := newHealthCheck(ctx, namespace, "quick", probing(others, "/"), every(time.Second))
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(2*time.Second))
		for _, well := range []*v1alpha1.HealthCheck{quick, check} {
			Eventually(statusOf(ctx, well)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		}
		for i := range slots {
			newHealthCheck(ctx, namespace, fmt.Sprintf("hanging-%d", i), probing(others, "/hang"), every(time.Hour), within(time.Minute))
		}
		Eventually(others.runningOn).WithArguments("/hang").Should(Equal(slots))

		seen, seenBeside, probes := watchStates(ctx, check), watchStates(ctx, quick), others.requests.Load()
		web.hangs.Store(true)
		began := time.Now()
		Eventually(statusOf(ctx, check)).WithTimeout(30 * time.Second).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError))
		Expect(time.Since(began)).To(BeNumerically(">=", grace))
		Expect(statusOf(ctx, check)(Default).Status.Message).To(Equal(
			"not probed: too many slow probes of this namespace are running; raise --max-concurrent-probes"))
		Expect(seen()).To(HaveEach(Or(HavePrefix(string(v1alpha1.StatePassing)), HavePrefix(string(v1alpha1.StateUnknown)))))
		Expect(others.requests.Load()).To(BeNumerically(">=", probes+2), "quick checks go on")
		Expect(seenBeside()).To(HaveEach(HavePrefix(string(v1alpha1.StatePassing))))

		web.hangs.Store(false)
		close(others.release)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
	})
})
