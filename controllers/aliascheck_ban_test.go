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
		expectOnly := watchReasons(ctx, namespace)
		allow(ctx, namespace, gadgets)
		expectOnly(v1alpha1.ReasonKindForbidden, "Boiling")
	})

	It("never shows again what there was of it before it was removed and installed anew (I3, I5)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		crd := installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "True", "Cool")
		aliases := aliasesWithResync(100 * time.Millisecond)
		aliases.RetryKind = 100 * time.Millisecond
		startAliases(aliases, namespace)
		alias := newAlias(ctx, namespace, "front", targetingKind("versions.example/v1", "Gadget", "g"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Cool"))
		uninstall(ctx, crd.DeepCopy())
		Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonKindNotInstalled))

		expectOnly := watchReasons(ctx, namespace)
		installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "False", "Boiling")
		// The new object has no conditions at first, which kstatus holds to be Current.
		expectOnly(v1alpha1.ReasonKindNotInstalled, v1alpha1.ReasonTargetNotFound, "Current", "Boiling")
	})
})

// watchReasons sees every status that the one alias of a namespace shows from now on. What it returns waits for the last
// of some reasons, and expects that none but those come before it.
func watchReasons(ctx context.Context, namespace string) (expectOnly func(reasons ...string)) {
	GinkgoHelper()
	shown, err := api.Watch(ctx, &v1alpha1.AliasCheckList{}, client.InNamespace(namespace))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(shown.Stop)
	return func(reasons ...string) {
		GinkgoHelper()
		for last := reasons[len(reasons)-1]; ; {
			select {
			case event := <-shown.ResultChan():
				reason := event.Object.(*v1alpha1.AliasCheck).Status.Reason
				Expect(reasons).To(ContainElement(reason))
				if reason == last {
					return
				}
			case <-time.After(time.Minute):
				Fail("the alias never shows " + last)
			}
		}
	}
}

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
