package controllers_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/readinessgate"
	"github.com/aliascheck/aliascheck/internal/status"
)

const gateOnDB = "health.aliascheck.dev/db"

var _ = Describe("A pod that names an alias as a readiness gate", func() {
	var (
		ctx       context.Context
		namespace string
		gates     *gatesUnderTest
	)

	BeforeEach(func(_ SpecContext) {
		ctx = context.Background()
		namespace = newNamespace(ctx)
		gates = gatesWithResync(time.Minute, namespace)
		gates.setup()
		start(gates.mgr)
	})

	It("has the condition True while the alias is Ready, and False otherwise", func() {
		pod := newPod(ctx, namespace, "web", gateOnDB)
		db := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, v1alpha1.ReasonNotYetReported))
		for _, step := range []struct {
			state v1alpha1.State
			gate  corev1.ConditionStatus
		}{
			{v1alpha1.StatePassing, corev1.ConditionTrue},
			{v1alpha1.StateCritical, corev1.ConditionFalse},
			{v1alpha1.StateWarning, corev1.ConditionTrue},
			{v1alpha1.StateMaintenance, corev1.ConditionFalse},
			{v1alpha1.StateUnknown, corev1.ConditionFalse},
		} {
			report(ctx, db, step.state, "Said", "as told", time.Now())
			Eventually(messageOf(ctx, pod, gateOnDB)).Should(Equal(fmt.Sprintf("AliasCheck db is %s (Said): as told", step.state)))
			Expect(statusOf(ctx, pod)(Default)).To(haveGate(gateOnDB, step.gate, "Said"))
		}
	})

	It("has AliasNotFound while there is no such alias (I5), and follows one deleted and created again", func() {
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))

		db := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		report(ctx, db, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionTrue, "Fine"))

		Expect(api.Delete(ctx, db)).To(Succeed())
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))

		newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, v1alpha1.ReasonNotYetReported))
	})

	It("follows an alias that is being deleted until it is gone", func() {
		pod := newPod(ctx, namespace, "web", gateOnDB)
		db := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"), func(a *v1alpha1.AliasCheck) {
			a.Finalizers = []string{"example.com/holds-it"}
		})
		Expect(api.Delete(ctx, db)).To(Succeed())
		report(ctx, db, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionTrue, "Fine"))

		edit(ctx, db, func(a *v1alpha1.AliasCheck) { a.Finalizers = nil })
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))
	})

	It("follows only aliases of its own namespace", func() {
		elsewhere := newNamespace(ctx)
		report(ctx, newAlias(ctx, elsewhere, "db", targeting("HealthCheck", "db")), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		pod := newPod(ctx, namespace, "web", gateOnDB, "health.aliascheck.dev/"+elsewhere+".db")
		Eventually(statusOf(ctx, pod)).Should(And(
			haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"),
			haveGate("health.aliascheck.dev/"+elsewhere+".db", corev1.ConditionFalse, "AliasNotFound")))
	})

	It("has a gate that can be the name of no alias False (I9)", func() {
		const impossible = "health.aliascheck.dev/Not_A.Name"
		pod := newPod(ctx, namespace, "web", impossible, gateOnDB)
		Eventually(statusOf(ctx, pod)).Should(And(
			haveGate(impossible, corev1.ConditionFalse, "AliasNotFound"),
			haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound")))
	})

	It("may have sixteen gates, which are written with one patch and then each for itself", func() {
		var names []string
		var aliases []*v1alpha1.AliasCheck
		for i := range 16 {
			name := fmt.Sprintf("alias-%d", i)
			aliases = append(aliases, newAlias(ctx, namespace, name, targeting("HealthCheck", name)))
			names = append(names, "health.aliascheck.dev/"+name)
			report(ctx, aliases[i], v1alpha1.StatePassing, "Fine", "fine", time.Now())
		}
		Eventually(gates.knows(aliases)).Should(Succeed())
		pod := newPod(ctx, namespace, "web", names...)
		for _, name := range names {
			Eventually(statusOf(ctx, pod)).Should(haveGate(name, corev1.ConditionTrue, "Fine"))
		}
		Expect(gates.patches.Load()).To(Equal(int64(1)))

		report(ctx, aliases[7], v1alpha1.StateCritical, "Down", "down", time.Now())
		Eventually(statusOf(ctx, pod)).Should(haveGate(names[7], corev1.ConditionFalse, "Down"))
		Expect(statusOf(ctx, pod)(Default)).To(haveGate(names[8], corev1.ConditionTrue, "Fine"))
	})

	It("keeps every condition that is not one of its gates on an alias", func() {
		pod := newPod(ctx, namespace, "web", gateOnDB, "example.com/other")
		foreign := []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ReadinessGatesNotReady", LastTransitionTime: anHourAgo()},
			{Type: "example.com/other", Status: corev1.ConditionTrue, Reason: "Theirs", LastTransitionTime: anHourAgo()},
			{Type: "health.aliascheck.dev/unnamed", Status: corev1.ConditionTrue, Reason: "Theirs", LastTransitionTime: anHourAgo()},
		}
		edit := func(g Gomega) {
			live := statusOf(ctx, pod)(g)
			live.Status.Conditions = append(live.Status.Conditions, foreign...)
			g.Expect(api.Status().Update(ctx, live)).To(Succeed())
		}
		Eventually(edit).Should(Succeed())
		report(ctx, newAlias(ctx, namespace, "db", targeting("HealthCheck", "db")), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionTrue, "Fine"))
		Expect(statusOf(ctx, pod)(Default).Status.Conditions).To(ContainElements(foreign))
	})

	It("has its condition repaired at once when anybody else writes it", func() {
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))
		live := statusOf(ctx, pod)(Default)
		live.Status.Conditions = []corev1.PodCondition{{Type: gateOnDB, Status: corev1.ConditionTrue}}
		Expect(api.Status().Update(ctx, live)).To(Succeed())
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))
	})

	It("is left alone once it has finished, but not while it is merely being deleted", func() {
		finished, terminating := newPod(ctx, namespace, "finished", gateOnDB), newPod(ctx, namespace, "terminating", gateOnDB)
		for _, pod := range []*corev1.Pod{finished, terminating} {
			Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))
		}
		edit(ctx, terminating, func(pod *corev1.Pod) { pod.Finalizers = []string{"example.com/holds-it"} })
		Expect(api.Delete(ctx, terminating)).To(Succeed())
		live := statusOf(ctx, finished)(Default)
		live.Status.Phase = corev1.PodSucceeded
		Expect(api.Status().Update(ctx, live)).To(Succeed())
		Eventually(gates.cached(finished)).Should(HaveField("Status.Phase", corev1.PodSucceeded))

		report(ctx, newAlias(ctx, namespace, "db", targeting("HealthCheck", "db")), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(statusOf(ctx, terminating)).Should(haveGate(gateOnDB, corev1.ConditionTrue, "Fine"))
		Expect(statusOf(ctx, finished)(Default)).To(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))
		edit(ctx, terminating, func(pod *corev1.Pod) { pod.Finalizers = nil })
	})

	It("gets an Event when a gate closes or opens, and none when it is open from the start", func() {
		db := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		report(ctx, db, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(gates.knows([]*v1alpha1.AliasCheck{db})).Should(Succeed())
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionTrue, "Fine"))

		report(ctx, db, v1alpha1.StateCritical, "Down", "dial db:5432: refused", time.Now())
		Eventually(gates.recorder.Events).Should(Receive(Equal(
			"Warning ReadinessGateChanged health.aliascheck.dev/db is False: AliasCheck db is Critical (Down): dial db:5432: refused")))
		report(ctx, db, v1alpha1.StateMaintenance, "Maintenance", "upgrade", time.Now())
		report(ctx, db, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(gates.recorder.Events).Should(Receive(Equal(
			"Normal ReadinessGateChanged health.aliascheck.dev/db is True: AliasCheck db is Passing (Fine): fine")))
	})

	It("has 64 gates followed and the others left closed, and an Event that says so (I9)", func() {
		var names []string
		for i := range 70 {
			names = append(names, fmt.Sprintf("health.aliascheck.dev/alias-%d", i))
		}
		pod := newPod(ctx, namespace, "web", names...)
		Eventually(gates.recorder.Events).Should(Receive(Equal("Warning TooManyReadinessGates " +
			"only the first 64 AliasChecks that its readiness gates name are followed; the other gates stay closed")))
		Expect(statusOf(ctx, pod)(Default).Status.Conditions).To(HaveLen(64))
	})

	It("is found by its gates, and no other pod is", func() {
		for i, names := range [][]string{{gateOnDB}, {gateOnDB, "health.aliascheck.dev/queue"}, {"health.aliascheck.dev/queue"}, nil} {
			newPod(ctx, namespace, fmt.Sprintf("web-%d", i), names...)
		}
		alias := &v1alpha1.AliasCheck{ObjectMeta: named(namespace, "db")}
		Eventually(func() []string {
			var names []string
			for _, request := range gates.PodsGatedOn(ctx, alias) {
				names = append(names, request.Name)
			}
			return names
		}).Should(ConsistOf("web-0", "web-1"))
	})

	It("is cached without all that its gates do not need", func() {
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(gates.cached(pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))
		cached := gates.cached(pod)(Default)
		Expect(cached.UID).To(Equal(pod.UID))
		Expect(cached.Spec.Containers).To(BeEmpty())
		Expect(cached.ManagedFields).To(BeEmpty())
	})
})

var _ = Describe("A readiness gate, whatever goes wrong,", func() {
	It("follows its alias at the next resync when every edge of the alias is lost (I1)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		gates := gatesWithResync(2*time.Second, namespace)
		gates.setupDeaf()
		start(gates.mgr)
		db := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, v1alpha1.ReasonNotYetReported))

		for _, state := range []v1alpha1.State{v1alpha1.StatePassing, v1alpha1.StateCritical} {
			report(ctx, db, state, string(state), "as told", time.Now())
			Eventually(messageOf(ctx, pod, gateOnDB)).WithTimeout(7 * time.Second).Should(ContainSubstring(string(state)))
		}
	})

	It("is not written again while nothing changes (I7)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		gates := gatesWithResync(20*time.Millisecond, namespace)
		gates.setup()
		start(gates.mgr)
		report(ctx, newAlias(ctx, namespace, "db", targeting("HealthCheck", "db")), v1alpha1.StateCritical, "Down", "down", time.Now())
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(gates.cached(pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "Down"))

		patches, version := gates.patches.Load(), statusOf(ctx, pod)(Default).ResourceVersion
		resyncs := gates.podReads.Load() + 20
		Eventually(gates.podReads.Load).Should(BeNumerically(">", resyncs))
		Expect(gates.patches.Load()).To(Equal(patches))
		Expect(statusOf(ctx, pod)(Default).ResourceVersion).To(Equal(version))
	})

	It("has a text that alone changes written seldom, and a state at once (I7)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		gates := gatesWithResync(20*time.Millisecond, namespace)
		gates.Details = status.NewDetails()
		gates.setup()
		start(gates.mgr)
		db := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		report(ctx, db, v1alpha1.StatePassing, "Fine", "queue 0", time.Now())
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(gates.cached(pod)).Should(haveGate(gateOnDB, corev1.ConditionTrue, "Fine"))

		patches := gates.patches.Load()
		for length := range 20 {
			reads := gates.podReads.Load()
			report(ctx, db, v1alpha1.StatePassing, "Fine", fmt.Sprintf("queue %d", length+1), time.Now())
			Eventually(gates.podReads.Load).Should(BeNumerically(">", reads+2), "the pod is looked at again")
		}
		Expect(gates.patches.Load()-patches).To(BeNumerically("<=", 3), "written three times at once, and then once a minute")
		report(ctx, db, v1alpha1.StateCritical, "Down", "down", time.Now())
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "Down"))
	})

	It("is never written to another pod of the same name (I3)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		gates := gatesWithResync(time.Minute, namespace)
		old := newPod(ctx, namespace, "web", gateOnDB)
		recreate := sync.OnceFunc(func() {
			defer GinkgoRecover()
			Expect(api.Delete(context.Background(), old, client.GracePeriodSeconds(0))).To(Succeed())
			newPod(context.Background(), namespace, "web", gateOnDB)
		})
		refused := make(chan error, 1)
		gates.beforePatch = recreate
		gates.afterPatch = func(err error) {
			select {
			case refused <- err:
			default:
			}
		}
		gates.setup()
		start(gates.mgr)

		var err error
		Eventually(refused).Should(Receive(&err))
		Expect(err).To(MatchError(ContainSubstring("metadata.uid")), "the patch that was made for the old pod")
		Eventually(statusOf(ctx, old)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "AliasNotFound"))
		Expect(statusOf(ctx, old)(Default).UID).NotTo(Equal(old.UID))
	})

	It("takes the refusal of a patch for another pod for a conflict, and does not try again (I3)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		pod := newPod(ctx, namespace, "web", gateOnDB)
		conditions := []corev1.PodCondition{{Type: gateOnDB, Status: corev1.ConditionTrue, Reason: "Late"}}
		stale := pod.DeepCopy()
		stale.UID = "another"
		_, err := readinessgate.PatchConditions(ctx, api, stale, conditions)
		Expect(err).To(MatchError(apierrors.IsConflict, "IsConflict"))
		Expect(statusOf(ctx, pod)(Default).Status.Conditions).To(BeEmpty())

		Expect(api.Delete(ctx, pod, client.GracePeriodSeconds(0))).To(Succeed())
		_, err = readinessgate.PatchConditions(ctx, api, pod, conditions)
		Expect(err).To(MatchError(status.Dropped, "dropped"))
	})

	It("never delays an alias, though every worker of the gates hangs", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		gates := gatesWithResync(time.Minute, namespace)
		release := make(chan struct{})
		var hanging atomic.Int64
		gates.beforePatch = func() { hanging.Add(1); <-release }
		gates.setup()
		aliasesOf(gates.mgr).start()
		DeferCleanup(func() { close(release) })

		check := newHealthCheck(ctx, namespace, "db")
		alias := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		for i := range 2 * gates.MaxConcurrent {
			newPod(ctx, namespace, fmt.Sprintf("web-%d", i), gateOnDB)
		}
		Eventually(hanging.Load).Should(BeNumerically("==", gates.MaxConcurrent))
		report(ctx, check, v1alpha1.StateCritical, "Down", "down", time.Now())
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, "Down"))
	})

	It("follows one flip of one alias on a thousand pods with two gates each", func(ctx SpecContext) {
		pods := gatedPods()
		namespace := newNamespace(ctx)
		gates := gatesWithResync(time.Minute, namespace)
		gates.MaxConcurrent = 16
		gates.setup()
		start(gates.mgr)
		db := newAlias(ctx, namespace, "db", targeting("HealthCheck", "db"))
		report(ctx, db, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		newPods(ctx, namespace, pods, gateOnDB, "health.aliascheck.dev/queue")
		Eventually(gates.podsShowing(ctx, "Fine")).WithTimeout(4 * time.Minute).WithPolling(250 * time.Millisecond).Should(Equal(pods))
		before := gates.patches.Load()

		began := time.Now()
		report(ctx, db, v1alpha1.StateCritical, "Down", "down", time.Now())
		Eventually(gates.podsShowing(ctx, "Down")).WithTimeout(4 * time.Minute).WithPolling(250 * time.Millisecond).Should(Equal(pods))
		took := time.Since(began)
		AddReportEntry("flip", fmt.Sprintf("%d pods in %s, %.0f a second", pods, took.Round(time.Millisecond), float64(pods)/took.Seconds()))
		Expect(gates.patches.Load()-before).To(Equal(int64(pods)), "one patch a pod")
	})
})

// gatedPods is how many pods follow one flip: a thousand, or as many as AC_PODS says.
func gatedPods() int {
	GinkgoHelper()
	pods := cmp.Or(os.Getenv("AC_PODS"), "1000")
	count, err := strconv.Atoi(pods)
	Expect(err).NotTo(HaveOccurred(), "AC_PODS")
	return count
}

// gatesUnderTest is a reconciler whose reads and writes can be counted, held up and watched.
type gatesUnderTest struct {
	*readinessgate.Reconciler
	mgr       wiredManager
	recorder  *events.FakeRecorder
	namespace string

	podReads, patches atomic.Int64
	beforePatch       func()
	afterPatch        func(error)
}

func gatesWithResync(resync time.Duration, namespace string) *gatesUnderTest {
	GinkgoHelper()
	g := &gatesUnderTest{
		mgr:         newManager(resync, namespace),
		recorder:    events.NewFakeRecorder(10_000),
		namespace:   namespace,
		beforePatch: func() {},
		afterPatch:  func(error) {},
	}
	var err error
	g.Reconciler, err = g.mgr.ReadinessGates(g.recorder)
	Expect(err).NotTo(HaveOccurred())
	g.Client, g.MaxConcurrent = &watchedClient{Client: g.Client, gates: g}, 4
	return g
}

func (g *gatesUnderTest) setup() {
	GinkgoHelper()
	Expect(g.SetupWithManager(context.Background(), g.mgr)).To(Succeed())
}

// setupDeaf registers the reconciler without the watch through which it follows aliases. It reads them still.
func (g *gatesUnderTest) setupDeaf() {
	GinkgoHelper()
	_, err := g.mgr.GetCache().GetInformer(context.Background(), &v1alpha1.AliasCheck{})
	Expect(err).NotTo(HaveOccurred())
	Expect(ctrl.NewControllerManagedBy(g.mgr).Named("without-edges").
		Watches(&corev1.Pod{}, &handler.EnqueueRequestForObject{}).
		Complete(g.Reconciler)).To(Succeed())
}

// cached reads a pod as the reconciler does.
func (g *gatesUnderTest) cached(pod *corev1.Pod) func(Gomega) *corev1.Pod {
	return func(assert Gomega) *corev1.Pod {
		cached := &corev1.Pod{}
		assert.Expect(g.mgr.GetClient().Get(context.Background(), client.ObjectKeyFromObject(pod), cached)).To(Succeed())
		return cached
	}
}

// knows succeeds once the cache has aliases as they are at the API server.
func (g *gatesUnderTest) knows(aliases []*v1alpha1.AliasCheck) func(Gomega) {
	return func(assert Gomega) {
		for _, alias := range aliases {
			cached := &v1alpha1.AliasCheck{}
			assert.Expect(g.mgr.GetClient().Get(context.Background(), client.ObjectKeyFromObject(alias), cached)).To(Succeed())
			assert.Expect(cached.ResourceVersion).To(Equal(alias.ResourceVersion))
		}
	}
}

// podsShowing counts the pods whose gate on db has this reason.
func (g *gatesUnderTest) podsShowing(ctx context.Context, reason string) func(Gomega) int {
	return func(assert Gomega) int {
		pods := &corev1.PodList{}
		assert.Expect(g.mgr.GetClient().List(ctx, pods, client.InNamespace(g.namespace), client.UnsafeDisableDeepCopy)).To(Succeed())
		count := 0
		for i := range pods.Items {
			if condition := gateOf(&pods.Items[i], gateOnDB); condition.Reason == reason {
				count++
			}
		}
		return count
	}
}

// watchedClient is the client of a reconciler under test.
type watchedClient struct {
	client.Client
	gates *gatesUnderTest
}

func (c *watchedClient) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	if _, isPod := object.(*corev1.Pod); isPod {
		c.gates.podReads.Add(1)
	}
	return c.Client.Get(ctx, key, object, opts...)
}

func (c *watchedClient) Status() client.SubResourceWriter {
	return &watchedStatus{SubResourceWriter: c.Client.Status(), gates: c.gates}
}

type watchedStatus struct {
	client.SubResourceWriter
	gates *gatesUnderTest
}

func (s *watchedStatus) Patch(
	ctx context.Context, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption,
) error {
	s.gates.beforePatch()
	s.gates.patches.Add(1)
	err := s.SubResourceWriter.Patch(ctx, object, patch, opts...)
	s.gates.afterPatch(err)
	return err
}

func newPod(ctx context.Context, namespace, name string, gates ...string) *corev1.Pod {
	GinkgoHelper()
	pod := gatedPod(namespace, name, gates...)
	Expect(api.Create(ctx, pod)).To(Succeed())
	return pod
}

// newPods makes many pods, several at once.
func newPods(ctx context.Context, namespace string, count int, gates ...string) {
	GinkgoHelper()
	const creators = 8
	failed := make(chan error, creators)
	for creator := range creators {
		go func() {
			for i := creator; i < count; i += creators {
				if err := api.Create(ctx, gatedPod(namespace, fmt.Sprintf("web-%d", i), gates...)); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range creators {
		Expect(<-failed).To(Succeed())
	}
}

func gatedPod(namespace, name string, gates ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: named(namespace, name)}
	pod.Spec.Containers = []corev1.Container{{Name: "web", Image: "registry.example.com/web:1"}}
	for _, g := range gates {
		pod.Spec.ReadinessGates = append(pod.Spec.ReadinessGates,
			corev1.PodReadinessGate{ConditionType: corev1.PodConditionType(g)})
	}
	return pod
}

func gateOf(pod *corev1.Pod, conditionType string) corev1.PodCondition {
	for _, condition := range pod.Status.Conditions {
		if string(condition.Type) == conditionType {
			return condition
		}
	}
	return corev1.PodCondition{}
}

func haveGate(conditionType string, status corev1.ConditionStatus, reason string) gomegatypes.GomegaMatcher {
	return WithTransform(func(pod *corev1.Pod) [2]string {
		condition := gateOf(pod, conditionType)
		return [2]string{string(condition.Status), condition.Reason}
	}, Equal([2]string{string(status), reason}))
}

func messageOf(ctx context.Context, pod *corev1.Pod, conditionType string) func(Gomega) string {
	return func(g Gomega) string { return gateOf(statusOf(ctx, pod)(g), conditionType).Message }
}

func anHourAgo() metav1.Time {
	return metav1.Time{Time: time.Now().Add(-time.Hour).Truncate(time.Second)}
}
