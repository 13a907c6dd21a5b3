package controllers_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/aliascheck"
	"github.com/aliascheck/aliascheck/internal/health"
)

// anEdge bounds how long an alias may take after an edge: invariant I1 says a second.
const anEdge = time.Second

var _ = Describe("An AliasCheck of a HealthCheck", func() {
	var (
		ctx       context.Context
		namespace string
	)

	BeforeEach(func() {
		ctx = context.Background()
		namespace = newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace).start()
	})

	It("shows the state, reason, message and time of transition of its target, and the culprit (I8)", func() {
		web := newHealthCheck(ctx, namespace, "web")
		since := time.Now().Add(-time.Hour).Truncate(time.Second)
		report(ctx, web, v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed, "GET http://web: 503", since)
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))

		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
		live := statusOf(ctx, alias)(Default)
		Expect(live.Status.Message).To(Equal("GET http://web: 503"))
		Expect(live.Status.Target).To(Equal("HealthCheck/web"))
		Expect(live.Status.LastTransitionTime.Time).To(BeTemporally("==", since))
		Expect(live.Status.ObservedGeneration).To(Equal(live.Generation))
		Expect(live.Status.Culprit).To(Equal(&v1alpha1.Culprit{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealthCheck", Name: "web", Namespace: namespace}))
	})

	It("follows a status-only update within a second of the edge (I1)", func() {
		web := newHealthCheck(ctx, namespace, "web")
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		for _, state := range []v1alpha1.State{
			v1alpha1.StatePassing, v1alpha1.StateCritical, v1alpha1.StateWarning, v1alpha1.StateMaintenance,
		} {
			report(ctx, web, state, "Said", "as told", time.Now())
			Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(state, "Said"))
		}
	})

	It("shows NotYetReported of a target without a result", func() {
		newHealthCheck(ctx, namespace, "web")
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		Eventually(resolved(ctx, alias)).Should(BeTrue())
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
	})

	DescribeTable("shows whenMissing for a target that does not exist (I5)",
		func(whenMissing, shown v1alpha1.State) {
			alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "nobody"), func(a *v1alpha1.AliasCheck) {
				a.Spec.WhenMissing = whenMissing
			})
			Eventually(statusOf(ctx, alias)).Should(show(shown, v1alpha1.ReasonTargetNotFound))
			Expect(statusOf(ctx, alias)(Default).Status.Message).To(Equal("HealthCheck/nobody does not exist"))
		},
		Entry("Critical where nothing is said", v1alpha1.State(""), v1alpha1.StateCritical),
		Entry("Warning", v1alpha1.StateWarning, v1alpha1.StateWarning),
		Entry("Unknown", v1alpha1.StateUnknown, v1alpha1.StateUnknown),
		Entry("Passing", v1alpha1.StatePassing, v1alpha1.StatePassing),
	)

	It("carries nothing over when its target is deleted and created again", func() {
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded, "fine", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))

		Expect(api.Delete(ctx, web)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))

		newHealthCheck(ctx, namespace, "web")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
	})

	It("enters and leaves maintenance with the annotation of its target (Consul #5634, #6797)", func() {
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded, "fine", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))

		annotate(ctx, web, "disk swap")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		Expect(statusOf(ctx, alias)(Default).Status.Message).To(Equal("disk swap"))

		annotate(ctx, web, "")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
	})

	It("follows an edit of its own target", func() {
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		report(ctx, newHealthCheck(ctx, namespace, "db"), v1alpha1.StateCritical, "Down", "down", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Fine"))

		edit(ctx, alias, func(a *v1alpha1.AliasCheck) { a.Spec.TargetRef.Name = "db" })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "Down"))
	})

	It("repairs at once a status that anybody else has written", func() {
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StateCritical, "Down", "down", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, "Down"))

		live := statusOf(ctx, alias)(Default)
		live.Status.State = v1alpha1.StatePassing
		Expect(api.Status().Update(ctx, live)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "Down"))
	})
})

var _ = Describe("An AliasCheck that gets no edges", func() {
	It("shows its target's state at the next resync (I1)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		aliases := aliasesWithResync(2*time.Second, namespace)
		aliases.DropEvents = true
		aliases.start()
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Fine"))

		report(ctx, web, v1alpha1.StateCritical, "Down", "down", time.Now())
		Eventually(statusOf(ctx, alias)).WithTimeout(7 * time.Second).Should(show(v1alpha1.StateCritical, "Down"))
	})
})

// aliasesUnderTest is a reconciler that a spec may change until it starts.
type aliasesUnderTest struct {
	*aliascheck.Reconciler
	mgr wiredManager
}

func aliasesWithResync(resync time.Duration, namespaces ...string) aliasesUnderTest {
	GinkgoHelper()
	return aliasesOf(newManager(resync, namespaces...))
}

func aliasesOf(mgr wiredManager) aliasesUnderTest {
	GinkgoHelper()
	aliases, err := mgr.AliasChecks(context.Background())
	Expect(err).NotTo(HaveOccurred())
	return aliasesUnderTest{aliases, mgr}
}

func (a aliasesUnderTest) setup() {
	GinkgoHelper()
	Expect(a.SetupWithManager(context.Background(), a.mgr)).To(Succeed())
}

// start runs the reconciler until the spec ends, or until it is stopped.
func (a aliasesUnderTest) start() (stop func()) {
	GinkgoHelper()
	a.setup()
	return start(a.mgr)
}

func newHealthCheck(
	ctx context.Context, namespace, name string, edits ...func(*v1alpha1.HealthCheck),
) *v1alpha1.HealthCheck {
	GinkgoHelper()
	check := &v1alpha1.HealthCheck{ObjectMeta: named(namespace, name)}
	check.Spec.TCP = &v1alpha1.TCPProbe{Address: "192.0.2.1:80"}
	for _, edit := range edits {
		edit(check)
	}
	Expect(api.Create(ctx, check)).To(Succeed())
	return check
}

func newAlias(ctx context.Context, namespace, name string, edits ...func(*v1alpha1.AliasCheck)) *v1alpha1.AliasCheck {
	GinkgoHelper()
	alias := &v1alpha1.AliasCheck{ObjectMeta: named(namespace, name)}
	for _, edit := range edits {
		edit(alias)
	}
	Expect(api.Create(ctx, alias)).To(Succeed())
	return alias
}

func targeting(kind, name string) func(*v1alpha1.AliasCheck) {
	return func(a *v1alpha1.AliasCheck) {
		a.Spec.TargetRef = &v1alpha1.TargetReference{Kind: kind, Name: name}
	}
}

// report writes the status of a check as its reconciler would.
func report(ctx context.Context, check v1alpha1.Check, state v1alpha1.State, reason, message string, since time.Time) {
	GinkgoHelper()
	object := check.(client.Object)
	Eventually(func() error {
		if err := api.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		verdict := health.Verdict{State: state, Reason: reason, Message: message, Since: since}
		*check.CommonStatus() = verdict.ApplyTo(*check.CommonStatus(), check.GetGeneration(), since)
		return api.Status().Update(ctx, object)
	}).Should(Succeed())
}

// annotate puts an object in maintenance, or takes it out where there is no reason given.
func annotate(ctx context.Context, object client.Object, reason string) {
	GinkgoHelper()
	value := `"` + reason + `"`
	if reason == "" {
		value = "null"
	}
	patch := `{"metadata":{"annotations":{"` + v1alpha1.AnnotationMaintenance + `":` + value + `}}}`
	Expect(api.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
}

// edit changes an object that its reconciler may be writing to at the same time.
func edit[T client.Object](ctx context.Context, object T, change func(T)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := api.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return api.Update(ctx, object)
	}).Should(Succeed())
}

// show matches a check in this state, for this reason.
func show(state v1alpha1.State, reason string) gomegatypes.GomegaMatcher {
	type shown struct {
		State  v1alpha1.State
		Reason string
	}
	return WithTransform(func(check v1alpha1.Check) shown {
		return shown{check.CommonStatus().State, check.CommonStatus().Reason}
	}, Equal(shown{state, reason}))
}

// resolved reports whether an alias has seen its target.
func resolved(ctx context.Context, alias *v1alpha1.AliasCheck) func(Gomega) bool {
	return func(g Gomega) bool {
		live := statusOf(ctx, alias)(g)
		condition := meta.FindStatusCondition(live.Status.Conditions, v1alpha1.ConditionTargetResolved)
		return condition != nil && condition.Status == metav1.ConditionTrue
	}
}

var _ = Describe("Maintenance with an end", func() {
	It("ends on time, for a target of any kind and with nothing that happens", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace).start()
		service := newService(ctx, namespace, "web")
		newEndpointSlice(ctx, namespace, "web", new(true))
		end := time.Now().Add(3 * time.Second).Truncate(time.Second)
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:"new release",%q:%q}}}`,
			v1alpha1.AnnotationMaintenance, v1alpha1.AnnotationMaintenanceUntil, end.Format(time.RFC3339))
		Expect(api.Patch(ctx, service, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
		alone := newAlias(ctx, namespace, "alone", targeting("Service", "web"))
		among := newAlias(ctx, namespace, "among", func(a *v1alpha1.AliasCheck) {
			a.Spec.Targets = []v1alpha1.TargetReference{{Kind: "Service", Name: "web"}, {Kind: "Service", Name: "web", ConditionType: "Seen"}}
			a.Spec.MinReady = new(intstr.FromInt32(1))
		})
		Eventually(statusOf(ctx, alone)).Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		Expect(statusOf(ctx, alone)(Default)).To(saying("new release (until " + end.Format(time.RFC3339) + ")"))
		Eventually(statusOf(ctx, among)).Should(show(v1alpha1.StateMaintenance, "MaintenanceChecks"))
		Eventually(statusOf(ctx, alone)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))
		left := statusOf(ctx, alone)(Default).Status.LastTransitionTime.Time
		Expect(left).To(BeTemporally(">=", end), "it ended early")
		Expect(left).To(BeTemporally("<=", end.Add(anEdge)), "it ended late")
		Eventually(statusOf(ctx, among)).Should(show(v1alpha1.StateWarning, v1alpha1.ReasonPartlyReady))
	})
})
