package controllers_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("A HealthRule", func() {
	var (
		ctx        context.Context
		namespace  string
		deployment *appsv1.Deployment
		alias      *v1alpha1.AliasCheck
		builtIn    = show(v1alpha1.StatePassing, "MinimumReplicasAvailable")
	)

	// An alias of a Deployment that serves, which only an edge wakes.
	BeforeEach(func() {
		ctx = context.Background()
		namespace = newNamespace(ctx)
		startAliasesAndRules(namespace)
		deployment = newDeployment(ctx, namespace, "web")
		serve(ctx, deployment, corev1.ConditionTrue, "MinimumReplicasAvailable")
		alias = newAlias(ctx, namespace, "front", targetingKind("apps/v1", "Deployment", "web"))
		Eventually(statusOf(ctx, alias)).Should(builtIn)
	})

	It("decides for its kind from when it comes to when it goes, and each change of it is an edge", func() {
		rule := newHealthRule(ctx, "deployments", "Deployment", "true", "Mine")
		Eventually(statusOf(ctx, rule)).Should(beAccepted(metav1.ConditionTrue, v1alpha1.ReasonAccepted))
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "Mine"))

		edit(ctx, rule, func(r *v1alpha1.HealthRule) { r.Spec.Rules[0].Reason = "Changed" })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "Changed"))

		edit(ctx, rule, func(r *v1alpha1.HealthRule) { r.Spec.Target.Kind = "StatefulSet" })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(builtIn)

		edit(ctx, rule, func(r *v1alpha1.HealthRule) { r.Spec.Target.Kind = "Deployment" })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "Changed"))
		Expect(api.Delete(ctx, rule)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(builtIn)
	})

	It("that does not compile is not accepted, and the built-in rules stay in force", func() {
		rule := newHealthRule(ctx, "deployments", "Deployment", "object.status.", "Mine")
		Eventually(statusOf(ctx, rule)).Should(beAccepted(metav1.ConditionFalse, v1alpha1.ReasonInvalidExpression))
		Expect(accepted(statusOf(ctx, rule)(Default)).Message).To(HavePrefix("rules[0].when: "))
		serve(ctx, deployment, corev1.ConditionFalse, "NoneLeft")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "NoneLeft"))
		serve(ctx, deployment, corev1.ConditionTrue, "MinimumReplicasAvailable")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(builtIn)

		edit(ctx, rule, func(r *v1alpha1.HealthRule) { r.Spec.Rules[0].When = "true" })
		Eventually(statusOf(ctx, rule)).Should(beAccepted(metav1.ConditionTrue, v1alpha1.ReasonAccepted))
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "Mine"))
		edit(ctx, rule, func(r *v1alpha1.HealthRule) { r.Spec.Rules[0].When = "object" + "." })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(builtIn)
	})

	// What CEL says of an expression repeats it, and a condition takes no more than 32 KiB.
	It("whose expression is long, and in many ways wrong, is told so in few words", func() {
		rule := newHealthRule(ctx, "deployments", "Deployment", strings.Repeat("?(\u202e", 600), "Mine")
		Eventually(statusOf(ctx, rule)).Should(beAccepted(metav1.ConditionFalse, v1alpha1.ReasonInvalidExpression))
		message := accepted(statusOf(ctx, rule)(Default)).Message
		Expect(message).To(HavePrefix("rules[0].when: Syntax error: "))
		Expect(len(message)).To(BeNumerically("<=", v1alpha1.MaxMessageBytes))
		Expect(message).NotTo(ContainSubstring("\u202e"))
	})

	// Two that are made within a second have the same time, and then the name decides.
	It("that is older decides, and the other takes over when it goes", func() {
		older := newHealthRule(ctx, "a-deployments", "Deployment", "true", "Older")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "Older"))
		younger := newHealthRule(ctx, "b-deployments", "Deployment", "true", "Younger")
		Eventually(statusOf(ctx, younger)).Should(beAccepted(metav1.ConditionFalse, v1alpha1.ReasonConflict))
		Expect(accepted(statusOf(ctx, younger)(Default)).Message).To(ContainSubstring("a-deployments"))
		Expect(statusOf(ctx, older)(Default)).To(beAccepted(metav1.ConditionTrue, v1alpha1.ReasonAccepted))
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StateWarning, "Older"))

		Expect(api.Delete(ctx, older)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "Younger"))
		Eventually(statusOf(ctx, younger)).Should(beAccepted(metav1.ConditionTrue, v1alpha1.ReasonAccepted))
	})

	DescribeTable("is not for", func(group, kind string) {
		rule := &v1alpha1.HealthRule{ObjectMeta: metav1.ObjectMeta{Name: "unsupported"}}
		rule.Spec.Target = v1alpha1.HealthRuleTarget{Group: group, Kind: kind}
		rule.Spec.Rules = []v1alpha1.Rule{{State: v1alpha1.StatePassing, When: "true"}}
		create(ctx, rule)
		Eventually(statusOf(ctx, rule)).Should(beAccepted(metav1.ConditionFalse, v1alpha1.ReasonUnsupportedKind))
	},
		Entry("HealthChecks", v1alpha1.GroupVersion.Group, "HealthCheck"),
		Entry("AliasChecks", v1alpha1.GroupVersion.Group, "AliasCheck"),
		Entry("Services", "", "Service"),
		Entry("Nodes", "", "Node"),
	)

	It("can be mirrored as any object, by its condition", func() {
		label := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		edit(ctx, label, func(n *corev1.Namespace) { n.Labels["health.aliascheck.dev/cluster-scoped-targets"] = "allowed" })
		mirror := newAlias(ctx, namespace, "rule", targetingKind(v1alpha1.GroupVersion.String(), "HealthRule", "b-deployments"),
			func(a *v1alpha1.AliasCheck) { a.Spec.TargetRef.ConditionType = v1alpha1.ConditionAccepted })
		older := newHealthRule(ctx, "a-deployments", "Deployment", "true", "Older")
		newHealthRule(ctx, "b-deployments", "Deployment", "true", "Younger")
		Eventually(statusOf(ctx, mirror)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonConflict))
		Expect(api.Delete(ctx, older)).To(Succeed())
		Eventually(statusOf(ctx, mirror)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, v1alpha1.ReasonAccepted))
	})
})

// startAliasesAndRules runs both reconcilers in a manager of this namespace until the spec ends.
func startAliasesAndRules(namespace string) {
	GinkgoHelper()
	mgr := newManager(time.Minute, namespace)
	rules, err := mgr.HealthRules(context.Background())
	Expect(err).NotTo(HaveOccurred())
	Expect(rules.SetupWithManager(mgr)).To(Succeed())
	aliasesOf(mgr).start()
}

// serve says as the controller of Deployments would that all replicas of one are there, and whether they are available.
func serve(ctx context.Context, deployment *appsv1.Deployment, available corev1.ConditionStatus, reason string) {
	GinkgoHelper()
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
		Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: available, Reason: reason}},
	}
	Expect(api.Status().Update(ctx, deployment)).To(Succeed())
}

// newHealthRule makes one of a rule for a kind of the group apps, which makes it a Warning for this reason.
func newHealthRule(ctx context.Context, name, kind, when, reason string) *v1alpha1.HealthRule {
	GinkgoHelper()
	rule := &v1alpha1.HealthRule{ObjectMeta: metav1.ObjectMeta{Name: name}}
	rule.Spec.Target = v1alpha1.HealthRuleTarget{Group: "apps", Kind: kind}
	rule.Spec.Rules = []v1alpha1.Rule{{State: v1alpha1.StateWarning, When: when, Reason: reason}}
	create(ctx, rule)
	return rule
}

// create makes a cluster-scoped object that goes with the spec: it would concern others too.
func create(ctx context.Context, rule *v1alpha1.HealthRule) {
	GinkgoHelper()
	Expect(api.Create(ctx, rule)).To(Succeed())
	DeferCleanup(func() { _ = api.Delete(ctx, rule) })
}

func accepted(rule *v1alpha1.HealthRule) metav1.Condition {
	if c := meta.FindStatusCondition(rule.Status.Conditions, v1alpha1.ConditionAccepted); c != nil {
		return *c
	}
	return metav1.Condition{}
}

// beAccepted matches a HealthRule with this condition, of its own generation.
func beAccepted(status metav1.ConditionStatus, reason string) gomegatypes.GomegaMatcher {
	type judged struct {
		Status  metav1.ConditionStatus
		Reason  string
		Current bool
	}
	return WithTransform(func(rule *v1alpha1.HealthRule) judged {
		c := accepted(rule)
		current := c.ObservedGeneration == rule.Generation && rule.Status.ObservedGeneration == rule.Generation
		return judged{c.Status, c.Reason, current}
	}, Equal(judged{status, reason, true}))
}
