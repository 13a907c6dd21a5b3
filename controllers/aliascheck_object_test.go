package controllers_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target"
)

var _ = Describe("An AliasCheck of any other kind", func() {
	var (
		ctx       context.Context
		namespace string
		aliases   aliasesUnderTest
	)

	BeforeEach(func() {
		ctx = context.Background()
		namespace = newNamespace(ctx)
		aliases = aliasesWithResync(2*time.Second, namespace)
		aliases.RetryKind = time.Second
	})

	It("follows what a Deployment serves", func() {
		aliases.Resync = time.Minute
		aliases.start()
		deployment := newDeployment(ctx, namespace, "web")
		alias := newAlias(ctx, namespace, "front", targetingKind("apps/v1", "Deployment", "web"))
		Eventually(resolved(ctx, alias)).Should(BeTrue())
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))

		deployment.Status = appsv1.DeploymentStatus{
			ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable"},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
			},
		}
		Expect(api.Status().Update(ctx, deployment)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "MinimumReplicasAvailable"))

		edit(ctx, deployment, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(2)) })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "RolloutInProgress"))

		annotate(ctx, deployment, "migration")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateMaintenance, "Maintenance"))
		annotate(ctx, deployment, "")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, "RolloutInProgress"))

		edit(ctx, alias, func(a *v1alpha1.AliasCheck) { a.Spec.TargetRef.ConditionType = "Available" })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateWarning, v1alpha1.ReasonInProgress))
		deployment = statusOf(ctx, deployment)(Default)
		deployment.Status.ObservedGeneration = deployment.Generation
		Expect(api.Status().Update(ctx, deployment)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "MinimumReplicasAvailable"))
		Expect(api.Delete(ctx, deployment)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))
	})

	// Its only pod crashes again and again, and its rollout does not end: kstatus calls that InProgress.
	It("is Critical for a Deployment without an available replica, as soon as its status says so", func() {
		aliases.Resync = time.Minute
		aliases.start()
		deployment := newDeployment(ctx, namespace, "web")
		alias := newAlias(ctx, namespace, "front", targetingKind("apps/v1", "Deployment", "web"))
		Eventually(resolved(ctx, alias)).Should(BeTrue())
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
		deployment.Status = appsv1.DeploymentStatus{
			ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, UnavailableReplicas: 1,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionFalse, Reason: "MinimumReplicasUnavailable"},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated"},
			},
		}
		Expect(api.Status().Update(ctx, deployment)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateCritical, "MinimumReplicasUnavailable"))
	})

	It("is Critical while its target is being deleted, and carries nothing over to the next of its name", func() {
		aliases.Resync = time.Minute
		aliases.start()
		deployment := newDeployment(ctx, namespace, "web", func(d *appsv1.Deployment) {
			d.Finalizers = []string{"test/hold"}
		})
		alias := newAlias(ctx, namespace, "front", targetingKind("apps/v1", "Deployment", "web"))
		Eventually(resolved(ctx, alias)).Should(BeTrue())
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
		Expect(api.Delete(ctx, deployment)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "Terminating"))
		edit(ctx, deployment, func(d *appsv1.Deployment) { d.Finalizers = nil })
		newDeployment(ctx, namespace, "web")
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
	})

	It("finds a Pod in phase Failed Critical", func() {
		aliases.start()
		pod := &corev1.Pod{ObjectMeta: named(namespace, "task")}
		pod.Spec.Containers = []corev1.Container{{Name: "c", Image: "none"}}
		Expect(api.Create(ctx, pod)).To(Succeed())
		alias := newAlias(ctx, namespace, "front", targetingKind("v1", "Pod", "task"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateUnknown, "Pending"))
		pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "Evicted"
		Expect(api.Status().Update(ctx, pod)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "Evicted"))
	})

	It("finds a cluster-scoped target, and refuses a namespace for it", func() {
		aliases.start()
		alias := newAlias(ctx, namespace, "front", targetingKind("v1", "Namespace", namespace))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted))
		labelled := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		edit(ctx, labelled, func(n *corev1.Namespace) {
			n.Labels[target.LabelClusterScoped] = target.Allowed
		})
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Active"))
		edit(ctx, alias, func(a *v1alpha1.AliasCheck) { a.Spec.TargetRef.Namespace = namespace })
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonInvalidTarget))
	})

	It("refuses another namespace for a cluster-scoped target, and asks for no consent", func() {
		aliases.start()
		alias := newAlias(ctx, namespace, "front", targetingKind("v1", "Namespace", namespace),
			func(a *v1alpha1.AliasCheck) { a.Spec.TargetRef.Namespace = "elsewhere" })
		Eventually(statusOf(ctx, alias)).
			Should(SatisfyAll(show(v1alpha1.StateUnknown, v1alpha1.ReasonInvalidTarget), BeStalled()))
	})

	It("watches a kind from the first alias that needs it to a while after the last", func() {
		aliases.Linger = 100 * time.Millisecond
		aliases.start()
		deployments := appsv1.SchemeGroupVersion.WithKind("Deployment")
		Expect(aliases.WatchedKinds()).To(BeEmpty())
		first := newAlias(ctx, namespace, "first", targetingKind("apps/v1", "Deployment", "a"))
		second := newAlias(ctx, namespace, "second", targetingKind("apps/v1", "Deployment", "b"))
		for _, alias := range []*v1alpha1.AliasCheck{first, second} {
			Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))
		}
		rules := v1alpha1.GroupVersion.WithKind("HealthRule")
		Expect(aliases.WatchedKinds()).To(ConsistOf(deployments, rules))
		Expect(api.Delete(ctx, first)).To(Succeed())
		edit(ctx, second, func(a *v1alpha1.AliasCheck) {
			a.Spec.TargetRef = &v1alpha1.TargetReference{APIVersion: "batch/v1", Kind: "Job", Name: "c"}
		})
		Eventually(aliases.WatchedKinds).Should(
			ConsistOf(schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}, rules))
		Expect(api.Delete(ctx, second)).To(Succeed())
		Eventually(aliases.WatchedKinds).Should(BeEmpty())
	})

	It("goes on to watch a kind for a while, so that an alias which toggles its kind costs no list", func() {
		aliases.start()
		deployments, jobs := appsv1.SchemeGroupVersion.WithKind("Deployment"), schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}
		alias := newAlias(ctx, namespace, "toggles", targetingKind("apps/v1", "Deployment", "a"))
		for _, kind := range []schema.GroupVersionKind{deployments, jobs, deployments} {
			edit(ctx, alias, func(a *v1alpha1.AliasCheck) {
				a.Spec.TargetRef = &v1alpha1.TargetReference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: "a"}
			})
			Eventually(statusOf(ctx, alias)).Should(SatisfyAll(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound),
				HaveField("Status.Target", kind.Kind+"/a")))
		}
		Expect(aliases.WatchedKinds()).To(ContainElements(deployments, jobs))
		made := newAlias(ctx, namespace, "made-up", targetingKind("example.com/v1", "Nothing", "a"))
		Eventually(statusOf(ctx, made)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonKindNotInstalled))
		Expect(api.Delete(ctx, made)).To(Succeed())
		Eventually(aliases.WatchedKinds).ShouldNot(ContainElement(HaveField("Kind", "Nothing")), "what is not there")
	})

	It("converges when its kind is installed, removed while it is watched, and comes back", func() {
		aliases.start()
		other := newAlias(ctx, namespace, "other", targetingKind("apps/v1", "Deployment", "none"))
		alias := newAlias(ctx, namespace, "front",
			targetingKind("test.example/v1", "Widget", "w"), whenMissing(v1alpha1.StateWarning))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateWarning, v1alpha1.ReasonKindNotInstalled))
		Eventually(statusOf(ctx, other)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))

		for range 2 {
			crd := installWidgets(ctx)
			Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateWarning, v1alpha1.ReasonTargetNotFound))
			newWidget(ctx, namespace, "w",
				`{"conditions": [{"type": "Ready", "status": "False", "reason": "Boiling", "message": "too hot"}]}`)
			Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "Boiling"))
			Expect(api.Delete(ctx, crd)).To(Succeed())
			Eventually(statusOf(ctx, alias)).WithTimeout(20 * time.Second).
				Should(show(v1alpha1.StateWarning, v1alpha1.ReasonKindNotInstalled))
		}
	})

	It("is never upset by what a status has in it (I9)", func() {
		aliases.start()
		crd := installWidgets(ctx)
		DeferCleanup(func() { _ = api.Delete(ctx, crd) })
		for i, status := range []string{
			`{"conditions": "none"}`, `{"conditions": [1, null, {"type": 3}]}`, `{"observedGeneration": "x"}`,
			`{"conditions": [{"type": "Ready", "status": "True", "reason": "not a reason!"}]}`, `{}`,
		} {
			name := "w-" + string(rune('a'+i))
			newWidget(ctx, namespace, name, status)
			alias := newAlias(ctx, namespace, name, targetingKind("test.example/v1", "Widget", name))
			Eventually(resolved(ctx, alias)).Should(BeTrue(), status)
		}
	})

	DescribeTable("never reads", func(apiVersion, kind string) {
		aliases.start()
		alias := newAlias(ctx, namespace, "nosy", targetingKind(apiVersion, kind, "x"), whenMissing(v1alpha1.StatePassing))
		Eventually(statusOf(ctx, alias)).
			Should(SatisfyAll(show(v1alpha1.StateUnknown, v1alpha1.ReasonKindForbidden), BeStalled()))
		Expect(aliases.WatchedKinds()).To(BeEmpty())
	},
		Entry("Secrets", "v1", "Secret"),
		Entry("ConfigMaps", "v1", "ConfigMap"),
	)

	It("says how to allow a kind that may not be read, follows once it is, and holds up no other alias (I5)", func() {
		aliases := aliasesOf(newManagerOf(restrictedUser(ctx, namespace), time.Minute, unswept, namespace))
		aliases.RetryKind = time.Second
		aliases.start()
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		barred := newAlias(ctx, namespace, "barred",
			targetingKind("apps/v1", "Deployment", "web"), whenMissing(v1alpha1.StatePassing))
		free := newAlias(ctx, namespace, "free", targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, barred)).
			Should(SatisfyAll(show(v1alpha1.StateUnknown, v1alpha1.ReasonKindForbidden), BeStalled()))
		Expect(statusOf(ctx, barred)(Default).Status.Message).
			To(ContainSubstring(`health.aliascheck.dev/aggregate-to-manager: "true"`))
		Eventually(statusOf(ctx, free)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))

		allow(ctx, namespace, rbacv1.PolicyRule{
			APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get", "list", "watch"},
		})
		Eventually(statusOf(ctx, barred)).WithTimeout(40 * time.Second).
			Should(show(v1alpha1.StatePassing, v1alpha1.ReasonTargetNotFound))
	})
})

func targetingKind(apiVersion, kind, name string) func(*v1alpha1.AliasCheck) {
	return func(a *v1alpha1.AliasCheck) {
		a.Spec.TargetRef = &v1alpha1.TargetReference{APIVersion: apiVersion, Kind: kind, Name: name}
	}
}

func newDeployment(ctx context.Context, namespace, name string, edits ...func(*appsv1.Deployment)) *appsv1.Deployment {
	GinkgoHelper()
	labels := map[string]string{"app": name}
	deployment := &appsv1.Deployment{ObjectMeta: named(namespace, name)}
	deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	deployment.Spec.Template.Labels = labels
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "none"}}
	for _, edit := range edits {
		edit(deployment)
	}
	// One of this name may be on its way out.
	Eventually(func() error { return api.Create(ctx, deployment) }).Should(Succeed())
	// As its controller would at once.
	deployment.Status.ObservedGeneration = 0
	return deployment
}

// installWidgets installs a kind whose status may be anything.
func installWidgets(ctx context.Context) *apiextensionsv1.CustomResourceDefinition {
	GinkgoHelper()
	crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "widgets.test.example"}}
	crd.Spec = apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "test.example",
		Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Kind: "Widget"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
			Name: "v1", Served: true, Storage: true,
			Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
				Type: "object", XPreserveUnknownFields: new(true),
			}},
		}},
	}
	Eventually(func() error { return api.Create(ctx, crd.DeepCopy()) }).
		Should(SatisfyAny(Succeed(), MatchError(apierrors.IsAlreadyExists, "exists")))
	return crd
}

// newWidget waits until the kind is served.
func newWidget(ctx context.Context, namespace, name, status string) {
	GinkgoHelper()
	widget := &unstructured.Unstructured{}
	text := `{"apiVersion": "test.example/v1", "kind": "Widget", ` +
		`"metadata": {"name": "NAME", "namespace": "SPACE"}, "status": STATUS}`
	text = strings.NewReplacer("NAME", name, "SPACE", namespace, "STATUS", status).Replace(text)
	Expect(widget.UnmarshalJSON([]byte(text))).To(Succeed())
	Eventually(func() error { return api.Create(ctx, widget.DeepCopy()) }).WithTimeout(20 * time.Second).Should(Succeed())
}

// restrictedUser may do with checks what the manager does, and read nothing else than it always watches.
func restrictedUser(ctx context.Context, name string) *rest.Config {
	GinkgoHelper()
	read := []string{"get", "list", "watch"}
	allow(ctx, name,
		rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"*"}},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"services", "nodes"}, Verbs: read},
		rbacv1.PolicyRule{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: read},
		rbacv1.PolicyRule{APIGroups: []string{"events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create"}},
	)
	config := rest.CopyConfig(plane.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	return config
}

// allow gives a user further rules.
func allow(ctx context.Context, user string, rules ...rbacv1.PolicyRule) {
	GinkgoHelper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: user + "-"}, Rules: rules}
	Expect(api.Create(ctx, role)).To(Succeed())
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: role.Name}}
	binding.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name}
	binding.Subjects = []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}
	Expect(api.Create(ctx, binding)).To(Succeed())
}
