package controllers_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("An AliasCheck that crosses namespaces", Ordered, func() {
	var (
		ctx        = context.Background()
		home, away string
		aliases    aliasesUnderTest
	)

	BeforeEach(func() {
		home, away = newNamespace(ctx), newNamespace(ctx)
		aliases = aliasesWithResync(time.Minute, home, away)
		aliases.RetryKind = time.Second
	})

	abroad := func(kind, name string) func(*v1alpha1.AliasCheck) {
		return func(a *v1alpha1.AliasCheck) {
			a.Spec.TargetRef = &v1alpha1.TargetReference{Kind: kind, Name: name, Namespace: away}
		}
	}

	grant := func(edits ...func(*gatewayv1.ReferenceGrant)) *gatewayv1.ReferenceGrant {
		GinkgoHelper()
		g := &gatewayv1.ReferenceGrant{ObjectMeta: named(away, "consent")}
		g.Spec.From = []gatewayv1.ReferenceGrantFrom{{
			Group: gatewayv1.Group(v1alpha1.GroupVersion.Group), Kind: "AliasCheck", Namespace: gatewayv1.Namespace(home),
		}}
		g.Spec.To = []gatewayv1.ReferenceGrantTo{{Group: gatewayv1.Group(v1alpha1.GroupVersion.Group), Kind: "HealthCheck"}}
		for _, edit := range edits {
			edit(g)
		}
		Expect(api.Create(ctx, g)).To(Succeed())
		return g
	}

	It("is not permitted where ReferenceGrants are not installed, and is once they are and one permits it", func() {
		aliases.start()
		alias := newAlias(ctx, home, "front", abroad("HealthCheck", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted))
		installReferenceGrants()
		report(ctx, newHealthCheck(ctx, away, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		grant()
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Fine"))
		Expect(statusOf(ctx, alias)(Default).Status.Target).To(Equal("HealthCheck/" + away + "/web"))
	})

	It("follows consent and its revocation on the edge", func() {
		installReferenceGrants()
		aliases.start()
		web := newHealthCheck(ctx, away, "web")
		report(ctx, web, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		alias := newAlias(ctx, home, "front", abroad("HealthCheck", "web"), whenMissing(v1alpha1.StateUnknown))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonRefNotPermitted))
		consent := grant()
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))
		report(ctx, web, v1alpha1.StateCritical, "Down", "down", time.Now())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "Down"))

		edit(ctx, consent, func(g *gatewayv1.ReferenceGrant) { g.Spec.To[0].Name = new(gatewayv1.ObjectName("another")) })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonRefNotPermitted))
		edit(ctx, consent, func(g *gatewayv1.ReferenceGrant) { g.Spec.To[0].Name = new(gatewayv1.ObjectName("web")) })
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StateCritical, "Down"))
		Expect(api.Delete(ctx, consent)).To(Succeed())
		Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonRefNotPermitted))
	})

	It("reveals nothing without consent: not whether the target, its kind or its namespace exists", func() {
		installReferenceGrants()
		aliases.start()
		newHealthCheck(ctx, away, "web")
		there := newAlias(ctx, home, "there", abroad("HealthCheck", "web"))
		gone := newAlias(ctx, home, "gone", abroad("HealthCheck", "web2"))
		odd := newAlias(ctx, home, "odd", func(a *v1alpha1.AliasCheck) {
			a.Spec.TargetRef = &v1alpha1.TargetReference{
				APIVersion: "no.such/v1", Kind: "Thing", Name: "x", Namespace: "nowhere",
			}
		})
		for _, alias := range []*v1alpha1.AliasCheck{there, gone, odd} {
			Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonRefNotPermitted))
		}
		Expect(statusOf(ctx, there)(Default)).To(saying(
			"no ReferenceGrant in namespace " + away + " permits the AliasChecks of namespace " + home +
				" to refer to HealthCheck/" + away + "/web"))
	})
})

// installReferenceGrants installs the CRD that comes with the module of its types.
func installReferenceGrants() {
	GinkgoHelper()
	_, err := envtest.InstallCRDs(plane.Config, envtest.CRDInstallOptions{
		CRDs: []*apiextensionsv1.CustomResourceDefinition{referenceGrantCRD()},
	})
	Expect(err).NotTo(HaveOccurred())
}

func referenceGrantCRD() *apiextensionsv1.CustomResourceDefinition {
	GinkgoHelper()
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	Expect(err).NotTo(HaveOccurred())
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)),
		"config", "crd", "standard", "gateway.networking.k8s.io_referencegrants.yaml"))
	Expect(err).NotTo(HaveOccurred())
	crd := &apiextensionsv1.CustomResourceDefinition{}
	Expect(yaml.Unmarshal(text, crd)).To(Succeed())
	return crd
}
