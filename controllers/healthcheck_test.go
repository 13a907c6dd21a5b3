package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

var _ = Describe("A HealthCheck", func() {
	var (
		namespace string
		web       *subject
	)

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		web = newSubject()
		DeferCleanup(web.Close)
	})

	It("is probed at once when it is created, and the first result decides", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Hour))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		live := statusOf(ctx, check)(Default)
		Expect(live.Status.ObservedGeneration).To(Equal(live.Generation))
		Expect(live.Status.LastProbeTime).NotTo(BeNil())
		Expect(live.Status.Type).To(Equal("http"))
		Expect(live.Status.Message).To(Equal("GET " + web.URL + "/: 200 OK"))
	})

	It("follows its subject at its thresholds, and tells every change of state once", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second), failing(1, 3))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))

		web.status.Store(http.StatusServiceUnavailable)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateWarning, v1alpha1.ReasonProbeFailed))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
		Expect(statusOf(ctx, check)(Default).Status.ConsecutiveFailures).To(BeEquivalentTo(3))

		web.status.Store(http.StatusOK)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		Eventually(notesOf(ctx, check)).Should(HaveExactElements(
			HavePrefix("Unknown → Passing: "),
			HavePrefix("Passing → Warning: "),
			HavePrefix("Warning → Critical: "),
			HavePrefix("Critical → Passing: "),
		))
	})

	It("shows its initialState until the first probe has ended, and then counts", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/hang"), every(5*time.Second), failing(0, 2),
			func(h *v1alpha1.HealthCheck) { h.Spec.InitialState = v1alpha1.StatePassing })
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonInitialState))
		web.status.Store(http.StatusInternalServerError)
		close(web.release)
		Eventually(failuresOf(ctx, check)).Should(BeEquivalentTo(1))
		live := statusOf(ctx, check)(Default)
		Expect(live).To(show(v1alpha1.StatePassing, v1alpha1.ReasonInitialState))
		Expect(live.Status.Pending).To(Equal("1 of 2 failures: GET " + web.URL + "/hang: 500 Internal Server Error"))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
		Expect(statusOf(ctx, check)(Default).Status.Pending).To(BeEmpty())
	})

	It("is not probed in maintenance, and comes back by itself", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))

		edit(ctx, check, func(h *v1alpha1.HealthCheck) { h.Spec.Maintenance = &v1alpha1.Maintenance{Reason: "disk swap"} })
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		Expect(statusOf(ctx, check)(Default).Status.Message).To(Equal("disk swap"))
		probes := web.requests.Load()
		Consistently(web.requests.Load).WithTimeout(2 * time.Second).Should(Equal(probes))

		edit(ctx, check, func(h *v1alpha1.HealthCheck) { h.Spec.Maintenance = nil })
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
	})

	It("enters and leaves maintenance by annotation", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Hour))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		annotate(ctx, check, "rack move")
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		web.status.Store(http.StatusServiceUnavailable)
		annotate(ctx, check, "")
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
	})

	It("is Unknown and not probed while it is suspended", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second),
			func(h *v1alpha1.HealthCheck) { h.Spec.Suspend = true })
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonSuspended))
		Consistently(web.requests.Load).WithTimeout(2 * time.Second).Should(BeZero())

		edit(ctx, check, func(h *v1alpha1.HealthCheck) { h.Spec.Suspend = false })
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
	})

	It("keeps the old state after an edit until the new spec has a result, which decides", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Minute), failing(0, 5))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		edit(ctx, check, probing(web, "/hang"))
		Eventually(web.runningOn).WithArguments("/hang").Should(Equal(1))
		live := statusOf(ctx, check)(Default)
		Expect(live).To(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		Expect(live.Status.ObservedGeneration).To(BeNumerically("<", live.Generation))

		web.status.Store(http.StatusInternalServerError)
		close(web.release)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
	})

	It("does not wait for the timeout of a hanging probe when it is edited", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/hang"), every(time.Hour), within(time.Minute))
		Eventually(web.runningOn).WithArguments("/hang").Should(Equal(1))
		edit(ctx, check, probing(web, "/"))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		Eventually(web.runningOn).WithArguments("/hang").Should(BeZero())
	})

	It("ends its hanging probe when it is deleted", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/hang"), every(time.Hour), within(time.Minute))
		Eventually(web.runningOn).WithArguments("/hang").Should(Equal(1))
		Expect(api.Delete(ctx, check)).To(Succeed())
		Eventually(web.runningOn).WithArguments("/hang").Should(BeZero())
	})

	It("repairs at once a status that anybody else has written", func(ctx SpecContext) {
		web.status.Store(http.StatusServiceUnavailable)
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Hour))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
		report(ctx, statusOf(ctx, check)(Default), v1alpha1.StatePassing, "Painted", "green", time.Now())
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
	})

	It("is never probed twice at once, however often it is edited (I2)", func(ctx SpecContext) {
		overlaps := &overlapCounter{}
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) {
			overlaps.Prober, r.Prober = r.Prober, overlaps
		})
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/hang"), every(time.Second), within(300*time.Millisecond))
		for i := range 30 {
			edit(ctx, check, func(h *v1alpha1.HealthCheck) { h.Spec.FailureThreshold = int32(i%5 + 1) })
		}
		Eventually(statusOf(ctx, check)).Should(WithTransform(upToDate, BeTrue()))
		Expect(overlaps.most.Load()).To(BeEquivalentTo(1))
	})

	It("never shows the late result of an older spec (I3)", func(ctx SpecContext) {
		startHealthChecks(namespace)
		old := newSubject()
		old.status.Store(http.StatusTeapot)
		DeferCleanup(old.Close)
		check := newHealthCheck(ctx, namespace, "web", probing(old, "/hang"), every(time.Hour), within(time.Minute))
		Eventually(old.runningOn).WithArguments("/hang").Should(Equal(1))
		seen := watchStates(ctx, check)
		edit(ctx, check, probing(web, "/"))
		close(old.release)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		Expect(seen()).To(HaveEach(Not(ContainSubstring("418 I"))))
	})

	It("keeps its state over a restart until there is a new observation (I6)", func(ctx SpecContext) {
		web.status.Store(http.StatusServiceUnavailable)
		first := startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second), failing(0, 3))
		Eventually(failuresOf(ctx, check)).Should(BeEquivalentTo(3))
		first.stop()
		before := statusOf(ctx, check)(Default)

		startHealthChecks(namespace)
		Eventually(web.requests.Load).Should(BeNumerically(">", web.requests.Load()+1))
		Expect(statusOf(ctx, check)(Default).ResourceVersion).To(Equal(before.ResourceVersion))
	})

	It("is not written while nothing changes (I7)", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		written, probes := statusOf(ctx, check)(Default).ResourceVersion, web.requests.Load()
		Eventually(web.requests.Load).Should(BeNumerically(">", probes+3))
		Expect(statusOf(ctx, check)(Default).ResourceVersion).To(Equal(written))
	})

	It("goes on being probed when its own writes do not come back through the watch", func(ctx SpecContext) {
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) { r.Client = &frozenReader{Reader: r.Client} })
		web.status.Store(http.StatusServiceUnavailable)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second), failing(0, 3),
			func(h *v1alpha1.HealthCheck) { h.Spec.InitialState = v1alpha1.StatePassing })
		Eventually(statusOf(ctx, check)).WithTimeout(30 * time.Second).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
	})

	It("keeps the result of a probe during which somebody else wrote a label", func(ctx SpecContext) {
		startHealthChecks(namespace)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/hang"), every(time.Hour), within(time.Minute))
		Eventually(web.runningOn).WithArguments("/hang").Should(Equal(1))
		edit(ctx, check, func(h *v1alpha1.HealthCheck) { h.Labels = map[string]string{"touched": "yes"} })
		close(web.release)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		Expect(web.requests.Load()).To(BeEquivalentTo(1), "no result was dropped")
	})

	It("is never mutated in the cache (I4)", func(ctx SpecContext) {
		watched := &versions{}
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) { watched.Reader, r.Client = r.Client, watched })
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second), failing(1, 2))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		web.status.Store(http.StatusServiceUnavailable)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
		annotate(ctx, check, "disk swap")
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		watched.expectUnchanged()
	})

	It("fails alone when its prober panics (I9)", func(ctx SpecContext) {
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) { r.Prober = panicsFor{name: "bad", others: r.Prober} })
		bad := newHealthCheck(ctx, namespace, "bad", probing(web, "/"))
		good := newHealthCheck(ctx, namespace, "good", probing(web, "/"))
		Eventually(statusOf(ctx, bad)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
		Eventually(statusOf(ctx, good)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
	})

	It("of a busy manager keeps its schedule, and hears an edit at once, beside many that hang", func(ctx SpecContext) {
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) { r.MaxConcurrentProbes = 16 })
		for i := range 64 {
			newHealthCheck(ctx, namespace, fmt.Sprintf("hanging-%d", i), probing(web, "/hang"), every(2*time.Second), within(time.Second))
		}
		healthy := newHealthCheck(ctx, namespace, "healthy", probing(web, "/"), every(2*time.Second))
		Eventually(statusOf(ctx, healthy)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		edit(ctx, healthy, func(h *v1alpha1.HealthCheck) { h.Spec.Maintenance = &v1alpha1.Maintenance{Reason: "now"} })
		Eventually(statusOf(ctx, healthy)).WithTimeout(2 * time.Second).
			Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
	})
})

// runningManager is a manager that a spec can end before its own end.
type runningManager struct{ stop func() }

// startHealthChecks runs the reconciler, with real probers that may look at loopback.
func startHealthChecks(namespace string, edits ...func(*healthcheck.Reconciler)) runningManager {
	GinkgoHelper()
	return runHealthChecks(newManager(time.Minute, namespace), edits...)
}

func runHealthChecks(mgr wiredManager, edits ...func(*healthcheck.Reconciler)) runningManager {
	GinkgoHelper()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	r := mgr.HealthChecks(probe.New(probe.Options{Guard: probe.NewGuard(loopback, nil)}), 32)
	for _, edit := range edits {
		edit(r)
	}
	Expect(r.SetupWithManager(mgr)).To(Succeed())
	return runningManager{stop: start(mgr)}
}

type panicsFor struct {
	name   string
	others probe.Prober
}

func (p panicsFor) Probe(ctx context.Context, check *v1alpha1.HealthCheck) probe.Result {
	if check.Name == p.name {
		panic("a bug in a prober")
	}
	return p.others.Probe(ctx, check)
}

func (p panicsFor) LastJob(context.Context, *v1alpha1.HealthCheck) probe.Past { return probe.Past{} }

// frozenReader is a cache whose watch has stalled: it always shows the first version of an object.
type frozenReader struct {
	client.Reader
	first sync.Map
}

func (f *frozenReader) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	err := f.Reader.Get(ctx, key, object, options...)
	if err != nil {
		return err
	}
	check := object.(*v1alpha1.HealthCheck)
	frozen, _ := f.first.LoadOrStore(key, check.DeepCopy())
	*check = *frozen.(*v1alpha1.HealthCheck)
	return nil
}

// overlapCounter knows how many probes ran at once at the most.
type overlapCounter struct {
	probe.Prober
	running, most atomic.Int32
}

func (c *overlapCounter) Probe(ctx context.Context, check *v1alpha1.HealthCheck) probe.Result {
	if running := c.running.Add(1); running > c.most.Load() {
		c.most.Store(running)
	}
	defer c.running.Add(-1)
	return c.Prober.Probe(ctx, check)
}

func probing(s *subject, path string) func(*v1alpha1.HealthCheck) {
	return func(h *v1alpha1.HealthCheck) {
		h.Spec.TCP, h.Spec.HTTP = nil, &v1alpha1.HTTPProbe{URL: s.URL + path}
	}
}

func every(interval time.Duration) func(*v1alpha1.HealthCheck) {
	return func(h *v1alpha1.HealthCheck) { h.Spec.Interval = &metav1.Duration{Duration: interval} }
}

func within(timeout time.Duration) func(*v1alpha1.HealthCheck) {
	return func(h *v1alpha1.HealthCheck) { h.Spec.Timeout = &metav1.Duration{Duration: timeout} }
}

// failing sets the thresholds of failures; no warning where it is 0.
func failing(warning, critical int32) func(*v1alpha1.HealthCheck) {
	return func(h *v1alpha1.HealthCheck) {
		h.Spec.FailureThreshold = critical
		if warning > 0 {
			h.Spec.WarningThreshold = &warning
		}
	}
}

func failuresOf(ctx context.Context, check *v1alpha1.HealthCheck) func(Gomega) int32 {
	return func(g Gomega) int32 { return statusOf(ctx, check)(g).Status.ConsecutiveFailures }
}

func upToDate(check *v1alpha1.HealthCheck) bool {
	return check.Status.ObservedGeneration == check.Generation && check.Status.State != v1alpha1.StateUnknown
}

// notesOf are the notes of the Events of a check, in their order.
func notesOf(ctx context.Context, check *v1alpha1.HealthCheck) func(Gomega) []string {
	return func(g Gomega) []string {
		var events eventsv1.EventList
		g.Expect(api.List(ctx, &events, client.InNamespace(check.Namespace))).To(Succeed())
		var notes []string
		for _, event := range byTime(events.Items) {
			if event.Regarding.Name == check.Name {
				notes = append(notes, event.Note)
			}
		}
		return notes
	}
}

// watchStates records every state and message that a check shows from now on.
func watchStates(ctx context.Context, check *v1alpha1.HealthCheck) (seen func() []string) {
	GinkgoHelper()
	return watchStatuses(ctx, check, func(status v1alpha1.HealthCheckStatus) string {
		return string(health.Known(status.State)) + " " + status.Message
	})
}

// watchStatuses records every status that a check shows from now on, in words. The last may come a moment later.
func watchStatuses(
	ctx context.Context, check *v1alpha1.HealthCheck, words func(v1alpha1.HealthCheckStatus) string,
) (seen func() []string) {
	GinkgoHelper()
	watcher, err := api.Watch(ctx, &v1alpha1.HealthCheckList{}, client.InNamespace(check.Namespace))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(watcher.Stop)
	name := check.Name
	var mu sync.Mutex
	var all []string // guarded by mu
	go func() {
		for event := range watcher.ResultChan() {
			if shown, ok := event.Object.(*v1alpha1.HealthCheck); ok && shown.Name == name {
				mu.Lock()
				all = append(all, words(shown.Status))
				mu.Unlock()
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func byTime(events []eventsv1.Event) []eventsv1.Event {
	return slices.SortedFunc(slices.Values(events), func(a, b eventsv1.Event) int {
		return a.EventTime.Compare(b.EventTime.Time)
	})
}
