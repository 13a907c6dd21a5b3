package controllers_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("An AliasCheck of a Service", func() {
	var (
		ctx       context.Context
		namespace string
		service   *corev1.Service
	)

	BeforeEach(func() {
		ctx = context.Background()
		namespace = newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace).start()
		service = newService(ctx, namespace, "web")
	})

	It("is missing without the Service, whatever refers to it", func() {
		report(ctx, newHealthCheck(ctx, namespace, "lone", ofService("ghost")), v1alpha1.StatePassing, "Fine", "", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("Service", "ghost"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))
		newService(ctx, namespace, "ghost")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))
	})

	DescribeTable("shows whenEmpty where nothing counts", func(asked, shown v1alpha1.State) {
		alias := newAlias(ctx, namespace, "front", targeting("Service", "web"), whenEmpty(asked))
		Eventually(statusOf(ctx, alias)).Should(show(shown, v1alpha1.ReasonNoChecks))
	},
		Entry("Unknown where nothing is said", v1alpha1.State(""), v1alpha1.StateUnknown),
		Entry("Passing, as in Consul", v1alpha1.StatePassing, v1alpha1.StatePassing),
		Entry("Unknown", v1alpha1.StateUnknown, v1alpha1.StateUnknown),
		Entry("Critical", v1alpha1.StateCritical, v1alpha1.StateCritical),
	)

	It("is the worst of its checks, and names the culprit (I8)", func() {
		alias := newAlias(ctx, namespace, "front", targeting("Service", "web"))
		http := newHealthCheck(ctx, namespace, "web-http", ofService("web"))
		tcp := newHealthCheck(ctx, namespace, "web-tcp", ofService("web"))
		report(ctx, http, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		report(ctx, tcp, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))
		Expect(statusOf(ctx, alias)(Default)).To(saying("all 2 checks are Passing"))

		report(ctx, tcp, v1alpha1.StateCritical, "Down", "refused", time.Now())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "CriticalChecks"))
		live := statusOf(ctx, alias)(Default)
		Expect(live).To(saying("1 of 2 checks is Critical: HealthCheck web-tcp (refused)"))
		Expect(live.Status.Culprit).To(Equal(&v1alpha1.Culprit{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealthCheck", Name: "web-tcp", Namespace: namespace}))
	})

	It("hears of a check that is added, removed, and moved away or to it", func() {
		alias := newAlias(ctx, namespace, "front", targeting("Service", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonNoChecks))
		check := newHealthCheck(ctx, namespace, "c", ofService("web"))
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateUnknown, "UnknownChecks"))
		edit(ctx, check, func(c *v1alpha1.HealthCheck) { c.Spec.ServiceRef.Name = "other" })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonNoChecks))
		edit(ctx, check, func(c *v1alpha1.HealthCheck) { c.Spec.ServiceRef.Name = "web" })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateUnknown, "UnknownChecks"))
		Expect(api.Delete(ctx, check)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonNoChecks))
	})

	It("counts its endpoints as one check", func() {
		alias := newAlias(ctx, namespace, "front", targeting("Service", "web"))
		slice := newEndpointSlice(ctx, namespace, "web", new(false))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonNoReadyEndpoints))
		Expect(statusOf(ctx, alias)(Default).Status.Culprit).
			To(Equal(&v1alpha1.Culprit{APIVersion: "v1", Kind: "Service", Name: "web", Namespace: namespace}))

		edit(ctx, slice, func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Conditions.Ready = nil })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))
		Expect(api.Delete(ctx, slice)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonNoChecks))
	})

	It("is in maintenance with its Service, and with a check of it (Consul #5634, #6797)", func() {
		alias := newAlias(ctx, namespace, "front", targeting("Service", "web"))
		check := newHealthCheck(ctx, namespace, "c", ofService("web"))
		report(ctx, check, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))

		annotate(ctx, service, "upgrade")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateMaintenance, "Maintenance"))
		annotate(ctx, service, "")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))
		annotate(ctx, check, "upgrade")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateMaintenance, "MaintenanceChecks"))
		annotate(ctx, check, "")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))
	})

	It("mirrors one condition of its Service where that is asked for", func() {
		alias := newAlias(ctx, namespace, "front", targeting("Service", "web"), condition("Programmed"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonConditionNotFound))
		service.Status.Conditions = []metav1.Condition{{
			Type: "Programmed", Status: metav1.ConditionTrue, Reason: "Done", LastTransitionTime: metav1.Now(),
		}}
		Expect(api.Status().Update(ctx, service)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Done"))
	})
})

var _ = Describe("An AliasCheck of a Node", func() {
	It("follows its conditions, its cordon and the checks of the alias's namespace", func() {
		ctx := context.Background()
		namespace, elsewhere := newNamespace(ctx), newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace, elsewhere).start()
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		Expect(api.Create(ctx, node)).To(Succeed())
		DeferCleanup(func() { _ = api.Delete(ctx, node) })
		alias := newAlias(ctx, namespace, "host", targeting("Node", node.Name))
		follows := func(state v1alpha1.State, message string) {
			GinkgoHelper()
			Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(SatisfyAll(
				WithTransform(func(a *v1alpha1.AliasCheck) v1alpha1.State { return a.Status.State }, Equal(state)),
				saying(message)))
		}
		set := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason string) {
			GinkgoHelper()
			edited := node.DeepCopy()
			edited.Status.Conditions = append(edited.Status.Conditions,
				corev1.NodeCondition{Type: kind, Status: status, Reason: reason})
			for i := range node.Status.Conditions {
				if node.Status.Conditions[i].Type == kind {
					edited.Status.Conditions = append(edited.Status.Conditions[:i:i], edited.Status.Conditions[i+1:]...)
				}
			}
			Expect(api.Status().Update(ctx, edited)).To(Succeed())
			edited.DeepCopyInto(node)
		}

		// The API server itself taints a new Node; that alone is no finding.
		follows(v1alpha1.StateUnknown, "1 of 1 check is Unknown: Node "+node.Name+" (no Ready condition)")
		set(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady")
		follows(v1alpha1.StatePassing, "the only check is Passing")
		set(corev1.NodeMemoryPressure, corev1.ConditionTrue, "Low")
		follows(v1alpha1.StateWarning, "1 of 1 check is Warning: Node "+node.Name+" (MemoryPressure is True: Low)")
		set(corev1.NodeReady, corev1.ConditionUnknown, "NodeStatusUnknown")
		follows(v1alpha1.StateCritical, "1 of 1 check is Critical: Node "+node.Name+" (Ready is Unknown: NodeStatusUnknown)")
		edit(ctx, node, func(n *corev1.Node) { n.Spec.Unschedulable = true })
		set(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady")
		follows(v1alpha1.StateMaintenance, "1 of 1 check is Maintenance: Node "+node.Name+" (cordoned)")
		edit(ctx, node, func(n *corev1.Node) { n.Spec.Unschedulable = false })
		set(corev1.NodeMemoryPressure, corev1.ConditionFalse, "Enough")
		follows(v1alpha1.StatePassing, "the only check is Passing")

		onNode := func(c *v1alpha1.HealthCheck) { c.Spec.NodeName = node.Name }
		foreign := newHealthCheck(ctx, elsewhere, "agent", onNode)
		report(ctx, foreign, v1alpha1.StateCritical, "Down", "down", time.Now())
		agent := newHealthCheck(ctx, namespace, "agent", onNode)
		report(ctx, agent, v1alpha1.StateWarning, "Slow", "slow", time.Now())
		follows(v1alpha1.StateWarning, "1 of 2 checks is Warning: HealthCheck agent (slow)")
		annotate(ctx, node, "new kernel")
		follows(v1alpha1.StateMaintenance, "new kernel")
		annotate(ctx, node, "")
		Expect(api.Delete(ctx, node)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))
	})
})

var _ = Describe("An AliasCheck with a selector", func() {
	It("is the worst of the checks of its namespace so labelled", func() {
		ctx := context.Background()
		namespace, elsewhere := newNamespace(ctx), newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace, elsewhere).start()
		team := newAlias(ctx, namespace, "team", selecting("team", "shop"), whenEmpty(v1alpha1.StateWarning))
		all := newAlias(ctx, namespace, "all", func(a *v1alpha1.AliasCheck) { a.Spec.Selector = &v1alpha1.Selector{} })
		Eventually(statusOf(ctx, team)).Should(show(v1alpha1.StateWarning, v1alpha1.ReasonNoChecks))
		Expect(statusOf(ctx, team)(Default).Status.Target).To(Equal("selector team=shop"))
		teams := func(operator metav1.LabelSelectorOperator, values ...v1alpha1.LabelValue) func(*v1alpha1.AliasCheck) {
			return func(a *v1alpha1.AliasCheck) {
				a.Spec.Selector = &v1alpha1.Selector{MatchExpressions: []v1alpha1.SelectorRequirement{
					{Key: "team", Operator: operator, Values: values},
				}}
			}
		}
		either := newAlias(ctx, namespace, "either", teams(metav1.LabelSelectorOpIn, "shop", "search"))
		every := newAlias(ctx, namespace, "any", teams(metav1.LabelSelectorOpExists))
		others := newAlias(ctx, namespace, "others", teams(metav1.LabelSelectorOpNotIn, "shop", "search"))
		same := func(state v1alpha1.State, reason string) {
			GinkgoHelper()
			Eventually(statusOf(ctx, either)).WithTimeout(anEdge).Should(show(state, reason))
			Eventually(statusOf(ctx, every)).WithTimeout(anEdge).Should(show(state, reason))
		}

		foreign := newHealthCheck(ctx, elsewhere, "cart", labelled("team", "shop"))
		report(ctx, foreign, v1alpha1.StateCritical, "Down", "down", time.Now())
		cart := newHealthCheck(ctx, namespace, "cart", labelled("team", "shop"))
		report(ctx, cart, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(statusOf(ctx, team)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing))
		same(v1alpha1.StatePassing, v1alpha1.ReasonAllPassing)

		edit(ctx, cart, func(c *v1alpha1.HealthCheck) { c.Labels["team"] = "search" })
		Eventually(statusOf(ctx, team)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, v1alpha1.ReasonNoChecks))
		report(ctx, cart, v1alpha1.StateCritical, "Down", "down", time.Now())
		Eventually(statusOf(ctx, all)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "CriticalChecks"))
		same(v1alpha1.StateCritical, "CriticalChecks")
		edit(ctx, cart, func(c *v1alpha1.HealthCheck) { c.Labels["team"] = "shop" })
		Eventually(statusOf(ctx, team)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "CriticalChecks"))
		same(v1alpha1.StateCritical, "CriticalChecks")
		edit(ctx, cart, func(c *v1alpha1.HealthCheck) { delete(c.Labels, "team") })
		same(v1alpha1.StateUnknown, v1alpha1.ReasonNoChecks)
		Eventually(statusOf(ctx, others)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "CriticalChecks"))
	})

	It("that cannot be read is invalid, and nobody else's problem (I9)", func() {
		ctx := context.Background()
		namespace := newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace).start()
		alias := newAlias(ctx, namespace, "odd", selecting("a..b/team", "shop"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonInvalidTarget))
		Expect(statusOf(ctx, alias)(Default)).To(BeStalled())
	})
})

func newService(ctx context.Context, namespace, name string) *corev1.Service {
	GinkgoHelper()
	service := &corev1.Service{ObjectMeta: named(namespace, name)}
	service.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	Expect(api.Create(ctx, service)).To(Succeed())
	return service
}

// newEndpointSlice has one endpoint, which is ready, not ready, or does not say.
func newEndpointSlice(ctx context.Context, namespace, service string, ready *bool) *discoveryv1.EndpointSlice {
	GinkgoHelper()
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: named(namespace, service+"-1"), AddressType: discoveryv1.AddressTypeIPv4,
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	slice.Endpoints = []discoveryv1.Endpoint{{
		Addresses: []string{"192.0.2.1"}, Conditions: discoveryv1.EndpointConditions{Ready: ready},
	}}
	Expect(api.Create(ctx, slice)).To(Succeed())
	return slice
}

func ofService(name string) func(*v1alpha1.HealthCheck) {
	return func(c *v1alpha1.HealthCheck) { c.Spec.ServiceRef = &v1alpha1.LocalServiceReference{Name: name} }
}

func labelled(key, value string) func(*v1alpha1.HealthCheck) {
	return func(c *v1alpha1.HealthCheck) { c.Labels = map[string]string{key: value} }
}

func selecting(key string, value v1alpha1.LabelValue) func(*v1alpha1.AliasCheck) {
	return func(a *v1alpha1.AliasCheck) {
		a.Spec.Selector = &v1alpha1.Selector{MatchLabels: map[string]v1alpha1.LabelValue{key: value}}
	}
}

func condition(kind string) func(*v1alpha1.AliasCheck) {
	return func(a *v1alpha1.AliasCheck) { a.Spec.TargetRef.ConditionType = kind }
}
