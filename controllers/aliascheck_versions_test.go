package controllers_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("An AliasCheck of a kind with two versions", func() {
	It("goes on following the old one when the other is stored, until it is served no more", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		aliases := aliasesWithResync(time.Minute, namespace)
		aliases.RetryKind = time.Second
		crd := installGadgets(ctx)
		gadget := newGadget(ctx, namespace, "g")
		aliases.start()
		old := newAlias(ctx, namespace, "old", targetingKind("versions.example/v1", "Gadget", "g"))
		recent := newAlias(ctx, namespace, "recent", targetingKind("versions.example/v2", "Gadget", "g"))
		both := func(state v1alpha1.State, reason string) {
			GinkgoHelper()
			Eventually(statusOf(ctx, old)).Should(show(state, reason))
			Eventually(statusOf(ctx, recent)).Should(show(state, reason))
		}
		ready(ctx, gadget, "True", "Cool")
		both(v1alpha1.StatePassing, "Cool")

		edit(ctx, crd, func(c *apiextensionsv1.CustomResourceDefinition) {
			c.Spec.Versions[0].Storage, c.Spec.Versions[1].Storage = false, true
		})
		Eventually(storedVersions(ctx, crd)).Should(Equal([]string{"v1", "v2"}))
		ready(ctx, gadget, "False", "Boiling") // this write stores it in the newer version
		both(v1alpha1.StateCritical, "Boiling")
		ready(ctx, gadget, "True", "Cool")
		both(v1alpha1.StatePassing, "Cool")

		edit(ctx, crd, func(c *apiextensionsv1.CustomResourceDefinition) { c.Spec.Versions[0].Served = false })
		Eventually(statusOf(ctx, old)).WithTimeout(20 * time.Second).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonKindNotInstalled))
		Expect(statusOf(ctx, old)(Default)).To(saying("the API server has no kind Gadget in versions.example/v1"))
		ready(ctx, gadget, "False", "Boiling")
		Eventually(statusOf(ctx, recent)).Should(show(v1alpha1.StateCritical, "Boiling"))

		edit(ctx, crd, func(c *apiextensionsv1.CustomResourceDefinition) { c.Spec.Versions[0].Served = true })
		both(v1alpha1.StateCritical, "Boiling")
	})
})

// installGadgets installs a kind that is served in two versions, of which the older is stored.
func installGadgets(ctx context.Context) *apiextensionsv1.CustomResourceDefinition {
	GinkgoHelper()
	anything := &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
		Type: "object", XPreserveUnknownFields: new(true),
	}}
	crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "gadgets.versions.example"}}
	crd.Spec = apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "versions.example",
		Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "gadgets", Kind: "Gadget"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{
			{Name: "v1", Served: true, Storage: true, Schema: anything},
			{Name: "v2", Served: true, Schema: anything},
		},
	}
	Expect(api.Create(ctx, crd)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { uninstall(ctx, crd) })
	return crd
}

// uninstall waits until the kind is gone.
func uninstall(ctx context.Context, crd *apiextensionsv1.CustomResourceDefinition) {
	GinkgoHelper()
	Expect(client.IgnoreNotFound(api.Delete(ctx, crd))).To(Succeed())
	Eventually(func() error { return api.Get(ctx, client.ObjectKeyFromObject(crd), crd) }).
		WithTimeout(20 * time.Second).Should(MatchError(apierrors.IsNotFound, "is gone"))
}

func storedVersions(
	ctx context.Context, crd *apiextensionsv1.CustomResourceDefinition,
) func(Gomega) []string {
	return func(g Gomega) []string { return statusOf(ctx, crd)(g).Status.StoredVersions }
}

// newGadget waits until the kind is served.
func newGadget(ctx context.Context, namespace, name string) *unstructured.Unstructured {
	GinkgoHelper()
	gadget := &unstructured.Unstructured{}
	gadget.SetGroupVersionKind(schema.GroupVersionKind{Group: "versions.example", Version: "v2", Kind: "Gadget"})
	gadget.SetNamespace(namespace)
	gadget.SetName(name)
	Eventually(func() error { return api.Create(ctx, gadget) }).WithTimeout(20 * time.Second).Should(Succeed())
	return gadget
}

// ready writes the condition Ready of an object of any kind; its kind may be between two versions.
func ready(ctx context.Context, object *unstructured.Unstructured, status, reason string) {
	GinkgoHelper()
	patch := `{"status":{"conditions":[{"type":"Ready","status":"` + status + `","reason":"` + reason + `"}]}}`
	Eventually(func() error {
		return api.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(patch)))
	}).Should(Succeed())
}
