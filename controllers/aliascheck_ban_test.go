package controllers

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

var _ = Describe("An AliasCheck of a kind that may not be read for a while", func() {
	It("never shows again what was there before the ban (I3, I5)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		installGadgets(ctx)
		gadget := newGadget(ctx, namespace, "g")
		ready(ctx, gadget, "True", "Cool")
		between, err := proxy.Start(restrictedUser(ctx, namespace))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(between.Close()).To(Succeed()) })
		gadgets := rbacv1.PolicyRule{
			APIGroups: []string{"versions.example"}, Resources: []string{"gadgets"}, Verbs: []string{"get", "list", "watch"},
		}
		allow(ctx, namespace, gadgets)
		aliases := aliasesWithResync(100 * time.Millisecond)
		startAliasesAs(between.Config(), aliases, namespace)
		alias := newAlias(ctx, namespace, "front", targetingKind("versions.example/v1", "Gadget", "g"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Cool"))

		forbid(ctx, namespace, "gadgets")
		between.Cut()
		Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonKindForbidden))
		ready(ctx, gadget, "False", "Boiling")
		shown, err := api.Watch(ctx, &v1alpha1.AliasCheckList{}, client.InNamespace(namespace))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(shown.Stop)
		allow(ctx, namespace, gadgets)
		for boiling := false; !boiling; {
			select {
			case event := <-shown.ResultChan():
				status := event.Object.(*v1alpha1.AliasCheck).Status
				Expect(status.Reason).To(BeElementOf(v1alpha1.ReasonKindForbidden, "Boiling"))
				boiling = status.Reason == "Boiling"
			case <-time.After(time.Minute):
				Fail("the alias did not follow once its kind could be read again")
			}
		}
	})
})

// forbid takes away every role of a user that is about a resource.
func forbid(ctx context.Context, user, resource string) {
	GinkgoHelper()
	roles := &rbacv1.ClusterRoleList{}
	Expect(api.List(ctx, roles)).To(Succeed())
	for _, role := range roles.Items {
		if role.GenerateName == user+"-" && role.Rules[0].Resources[0] == resource {
			Expect(api.Delete(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: named("", role.Name)})).To(Succeed())
		}
	}
}
