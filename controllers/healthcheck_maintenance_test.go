package controllers_test

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
)

// ahead is a clock that is ahead of the real one.
type ahead struct{ by time.Duration }

func (a ahead) Now() time.Time                   { return time.Now().Add(a.by) }
func (a ahead) Since(t time.Time) time.Duration  { return a.Now().Sub(t) }
func (a ahead) shared(r *healthcheck.Reconciler) { r.Clock, r.Writer.Clock = a, a }
func beforeTheMinute(d time.Duration) (ahead, time.Time) {
	now := time.Now()
	next := now.Truncate(time.Minute).Add(time.Minute)
	return ahead{by: next.Add(-d).Sub(now)}, next.UTC()
}

// planned is a window of a minute that opens at a time of each day.
func planned(at time.Time) func(*v1alpha1.HealthCheck) {
	return func(h *v1alpha1.HealthCheck) {
		h.Spec.MaintenanceWindows = []v1alpha1.MaintenanceWindow{{
			Schedule: fmt.Sprintf("%d %d * * *", at.Minute(), at.Hour()), Duration: metav1.Duration{Duration: time.Minute},
			Reason: "backup",
		}}
	}
}

var _ = Describe("A HealthCheck with a maintenance window", func() {
	It("enters and leaves it on time, with nothing that happens but that time passes", func(ctx SpecContext) {
		namespace, web := newNamespace(ctx), newSubject()
		DeferCleanup(web.Close)
		clock, minute := beforeTheMinute(6 * time.Second)
		startHealthChecks(namespace, clock.shared)
		opens := newHealthCheck(ctx, namespace, "opens", probing(web, "/"), every(time.Hour), planned(minute))
		// Its probe lasts for longer than until the window opens.
		hangs := newHealthCheck(ctx, namespace, "hangs", probing(web, "/hang"), every(time.Hour), within(time.Minute), planned(minute))
		closes := newHealthCheck(ctx, namespace, "closes", probing(web, "/"), every(time.Hour), planned(minute.Add(-time.Minute)))

		Eventually(web.runningOn).WithArguments("/hang").Should(Equal(1))

		Eventually(statusOf(ctx, opens)).Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		Eventually(statusOf(ctx, hangs)).Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		Eventually(web.runningOn).WithArguments("/hang").Should(BeZero())
		Eventually(statusOf(ctx, closes)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		for _, check := range []*v1alpha1.HealthCheck{opens, hangs, closes} {
			since := statusOf(ctx, check)(Default).Status.LastTransitionTime.Time
			Expect(since).To(BeTemporally(">=", minute), "%s was early", check.Name)
			Expect(since).To(BeTemporally("<=", minute.Add(time.Second)), "%s was late", check.Name)
		}
		message := "backup (until " + minute.Add(time.Minute).Format(time.RFC3339) + ")"
		Expect(statusOf(ctx, opens)(Default).Status.Message).To(Equal(message))
	})
})

var _ = Describe("A HealthCheck whose first probe lasts", func() {
	It("shows what it probes after a second, and nothing else", func(ctx SpecContext) {
		namespace, web := newNamespace(ctx), newSubject()
		DeferCleanup(web.Close)
		startHealthChecks(namespace)
		awaited := &v1alpha1.HealthCheck{ObjectMeta: named(namespace, "web")}
		seen := watchStatuses(ctx, awaited, func(s v1alpha1.HealthCheckStatus) string {
			return fmt.Sprint(s.State, " ", s.Reason, " ", s.Type, " ", s.ObservedGeneration)
		})
		newHealthCheck(ctx, namespace, "web", probing(web, "/hang"), every(time.Hour), within(time.Minute))
		Eventually(seen).Should(ContainElement("Unknown NotYetReported http -1"))
		close(web.release)
		Eventually(seen).Should(HaveExactElements("Unknown NotYetReported  -1", "Unknown NotYetReported http -1", "Passing ProbeSucceeded http 1"))
	})
})
