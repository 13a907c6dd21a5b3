package controllers_test

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

var _ = Describe("An AliasCheck of a kind that the API server can serve no longer", func() {
	DescribeTable("is Unknown after the grace, and recovers (I5)", func(ctx SpecContext, resource string) {
		namespace := newNamespace(ctx)
		installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "True", "Cool")
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		between := startSwept(namespace)
		gadget := newAlias(ctx, namespace, "gadget", targetingKind("versions.example/v1", "Gadget", "g"))
		check := newAlias(ctx, namespace, "check", targeting("HealthCheck", "web"))
		failing, other, fine := gadget, check, "Cool"
		if resource == "healthchecks" {
			failing, other, fine = check, gadget, "Fine"
		}
		Eventually(statusOf(ctx, gadget)).Should(show(v1alpha1.StatePassing, "Cool"))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, "Fine"))

		between.Set(proxy.Faults{Answers: []proxy.Answer{
			{Status: http.StatusInternalServerError, Method: http.MethodGet, Resource: resource},
		}})
		between.Cut()
		Eventually(statusOf(ctx, failing)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError))
		Expect(statusOf(ctx, other)(Default).Status.State).To(Equal(v1alpha1.StatePassing))
		between.Set(proxy.Faults{})
		Eventually(statusOf(ctx, failing)).WithTimeout(time.Minute).Should(show(v1alpha1.StatePassing, fine))
	},
		Entry("one that is watched for its aliases", "gadgets"),
		Entry("one that is always watched", "healthchecks"),
	)

	It("is Unknown while the conversion webhook of its kind is broken (I5)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		crd := installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "True", "Cool")
		startSwept(namespace)
		stored := newAlias(ctx, namespace, "stored", targetingKind("versions.example/v1", "Gadget", "g"))
		converted := newAlias(ctx, namespace, "converted", targetingKind("versions.example/v2", "Gadget", "g"))
		for _, alias := range []*v1alpha1.AliasCheck{stored, converted} {
			Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Cool"))
		}
		edit(ctx, crd, func(c *apiextensionsv1.CustomResourceDefinition) {
			c.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{
				Strategy: apiextensionsv1.WebhookConverter,
				Webhook: &apiextensionsv1.WebhookConversion{
					ClientConfig:             &apiextensionsv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/convert")},
					ConversionReviewVersions: []string{"v1"},
				},
			}
		})
		Eventually(statusOf(ctx, converted)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError))
		Expect(statusOf(ctx, stored)(Default)).To(show(v1alpha1.StatePassing, "Cool"))
		edit(ctx, crd, func(c *apiextensionsv1.CustomResourceDefinition) {
			c.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.NoneConverter}
		})
		Eventually(statusOf(ctx, converted)).WithTimeout(time.Minute).Should(show(v1alpha1.StatePassing, "Cool"))
	})
})

// startSwept runs the reconcilers of aliases and of gates behind a proxy, with a sweep and a short grace.
func startSwept(namespace string) *proxy.Proxy {
	GinkgoHelper()
	mgr, between := newSweptManager(namespace)
	aliases := aliasesOf(mgr)
	aliases.Grace, aliases.Live = health.Grace(2*time.Second), api
	gates, err := mgr.ReadinessGates(mgr.Recorder)
	Expect(err).NotTo(HaveOccurred())
	Expect(gates.SetupWithManager(context.Background(), mgr)).To(Succeed())
	aliases.start()
	return between
}

// newSweptManager is behind a proxy, and all its caches are swept.
func newSweptManager(namespace string) (wiredManager, *proxy.Proxy) {
	GinkgoHelper()
	between, err := proxy.Start(plane.Config)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(between.Close()).To(Succeed()) })
	return newManagerOf(between.Config(), time.Second, 500*time.Millisecond, namespace), between
}
