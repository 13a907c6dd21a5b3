package controllers_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("An AliasCheck that crosses namespaces where ReferenceGrants are v1beta1 only", func() {
	It("follows consent and its revocation on the edge", func(ctx SpecContext) {
		installOldReferenceGrants(ctx)
		home, away := newNamespace(ctx), newNamespace(ctx)
		aliasesWithResync(time.Minute, home, away).start()
		report(ctx, newHealthCheck(ctx, away, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		alias := newAlias(ctx, home, "front", func(a *v1alpha1.AliasCheck) {
			a.Spec.TargetRef = &v1alpha1.TargetReference{Kind: "HealthCheck", Name: "web", Namespace: away}
		})
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted))

		consent := &gatewayv1beta1.ReferenceGrant{ObjectMeta: named(away, "consent")}
		group := gatewayv1.Group(v1alpha1.GroupVersion.Group)
		consent.Spec.From = []gatewayv1.ReferenceGrantFrom{
			{Group: group, Kind: "AliasCheck", Namespace: gatewayv1.Namespace(home)},
		}
		consent.Spec.To = []gatewayv1.ReferenceGrantTo{{Group: group, Kind: "HealthCheck"}}
		old := oldGrants()
		Expect(old.Create(ctx, consent)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))

		consent.Spec.To[0].Kind = "AliasCheck"
		Expect(old.Update(ctx, consent)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted))
		consent.Spec.To[0].Kind = "HealthCheck"
		Expect(old.Update(ctx, consent)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))
		Expect(old.Delete(ctx, consent)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted))
	})
})

// oldGrants is a client that knows ReferenceGrants in v1beta1.
func oldGrants() client.Client {
	GinkgoHelper()
	scheme := runtime.NewScheme()
	Expect(gatewayv1beta1.Install(scheme)).To(Succeed())
	c, err := client.New(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return c
}

// installOldReferenceGrants installs the CRD as it was before there was a v1, until the spec ends.
func installOldReferenceGrants(ctx context.Context) {
	GinkgoHelper()
	crd := referenceGrantCRD()
	uninstall(ctx, crd.DeepCopy())
	crd.Spec.Versions = slices.DeleteFunc(crd.Spec.Versions,
		func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name != "v1beta1" })
	Expect(crd.Spec.Versions).To(HaveExactElements(HaveField("Storage", true)))
	Expect(api.Create(ctx, crd)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { uninstall(ctx, crd) })
	Eventually(func() error {
		return oldGrants().List(ctx, &gatewayv1beta1.ReferenceGrantList{})
	}).Should(Succeed())
}
