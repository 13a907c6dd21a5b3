package controllers_test

import (
	"cmp"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target"
)

var _ = Describe("An AliasCheck of a manager that watches two of three namespaces", func() {
	It("follows other kinds in both of them, in each by its own objects", func(ctx SpecContext) {
		first, second, third := newNamespace(ctx), newNamespace(ctx), newNamespace(ctx)
		aliasesWithResync(time.Minute, first, second).start()
		newDeployment(ctx, first, "web")
		newDeployment(ctx, third, "web")
		there := newAlias(ctx, first, "front", targetingKind("apps/v1", "Deployment", "web"))
		missing := newAlias(ctx, second, "front", targetingKind("apps/v1", "Deployment", "web"))
		clusterScoped := newAlias(ctx, second, "space", targetingKind("v1", "Namespace", third))
		Eventually(resolved(ctx, there)).Should(BeTrue())
		Expect(statusOf(ctx, there)(Default)).To(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
		Eventually(statusOf(ctx, missing)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))
		Eventually(statusOf(ctx, clusterScoped)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted))
		edit(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: second}}, func(n *corev1.Namespace) {
			n.Labels[target.LabelClusterScoped] = target.Allowed
		})
		Eventually(statusOf(ctx, clusterScoped)).Should(show(v1alpha1.StatePassing, "Active"))

		deployment := newDeployment(ctx, second, "web")
		Eventually(statusOf(ctx, missing)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
		Expect(api.Delete(ctx, deployment)).To(Succeed())
		Eventually(statusOf(ctx, missing)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))
	})

	DescribeTable("says of a target in the third that it is not watched, and is not Passing (I5)",
		func(ctx SpecContext, apiVersion, kind string) {
			first, second, third := newNamespace(ctx), newNamespace(ctx), newNamespace(ctx)
			aliasesWithResync(time.Minute, first, second).start()
			report(ctx, newHealthCheck(ctx, third, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
			newDeployment(ctx, third, "web")
			alias := newAlias(ctx, first, "front", func(a *v1alpha1.AliasCheck) {
				a.Spec.TargetRef = &v1alpha1.TargetReference{
					APIVersion: apiVersion, Kind: kind, Name: "web", Namespace: third,
				}
			})
			Eventually(statusOf(ctx, alias)).Should(SatisfyAll(
				show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted),
				saying("the manager does not watch namespace "+third+
					", and sees no ReferenceGrant of it: it must be among its --namespaces")))
			Expect(statusOf(ctx, alias)(Default).Status.Culprit).
				To(Equal(&v1alpha1.Culprit{APIVersion: cmp.Or(apiVersion, v1alpha1.GroupVersion.String()), Kind: kind, Name: "web", Namespace: third}))
		},
		Entry("a HealthCheck", "", "HealthCheck"),
		Entry("any other kind", "apps/v1", "Deployment"),
	)
})
