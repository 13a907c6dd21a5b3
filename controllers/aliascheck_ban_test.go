package controllers_test

import (
	"context"
	"slices"
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
		aliasesOf(newManagerOf(between.Config(), 100*time.Millisecond, unswept, namespace)).start()
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

	It("never shows again what there was before it was removed and installed again (I3, I5)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		crd := installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "True", "Cool")
		aliases := aliasesWithResync(100*time.Millisecond, namespace)
		aliases.RetryKind = 100 * time.Millisecond
		aliases.start()
		alias := newAlias(ctx, namespace, "front", targetingKind("versions.example/v1", "Gadget", "g"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Cool"))
		uninstall(ctx, crd.DeepCopy())
		Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateCritical, v1alpha1.ReasonKindNotInstalled))

		expectOnly := watchReasons(ctx, namespace)
		installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "False", "Boiling")
		// The new object has no conditions at first.
		expectOnly(v1alpha1.ReasonKindNotInstalled, v1alpha1.ReasonTargetNotFound, v1alpha1.ReasonNotYetReported, "Boiling")
	})
})

var _ = Describe("An AliasCheck whose target is replaced within milliseconds", func() {
	It("shows nothing of the old UID once it has shown the new (I3)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		aliasesWithResync(100*time.Millisecond, namespace).start()
		since := time.Now().Add(-time.Hour).Truncate(time.Second)
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		for range 5 {
			web := newHealthCheck(ctx, namespace, "web")
			report(ctx, web, v1alpha1.StatePassing, "Old", "all is well", since)
			Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Old"))
			expectOnly := watchReasons(ctx, namespace)
			Expect(api.Delete(ctx, web)).To(Succeed())
			web = newHealthCheck(ctx, namespace, "web")
			report(ctx, web, v1alpha1.StateCritical, "New", "refused", since.Add(time.Minute))
			expectOnly("Old", v1alpha1.ReasonTargetNotFound, v1alpha1.ReasonNotYetReported, "New")
			live := statusOf(ctx, alias)(Default)
			Expect(live).To(SatisfyAll(show(v1alpha1.StateCritical, "New"), saying("refused")))
			Expect(live.Status.LastTransitionTime.Time).To(BeTemporally("==", since.Add(time.Minute)))
			Expect(api.Delete(ctx, web)).To(Succeed())
		}
	})
})

// watchReasons sees every status that the one alias of a namespace shows, from the present one on. What it returns waits
// for the last of some reasons, and expects that none but those come before it, and in this order.
func watchReasons(ctx context.Context, namespace string) (expectOnly func(reasons ...string)) {
	GinkgoHelper()
	shown, err := api.Watch(ctx, &v1alpha1.AliasCheckList{}, client.InNamespace(namespace))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(shown.Stop)
	return func(reasons ...string) {
		GinkgoHelper()
		for reached := 0; reached < len(reasons)-1; {
			select {
			case event := <-shown.ResultChan():
				reason := event.Object.(*v1alpha1.AliasCheck).Status.Reason
				at := slices.Index(reasons, reason)
				Expect(at).To(BeNumerically(">=", reached), "%s after %s", reason, reasons[reached])
				reached = at
			case <-time.After(time.Minute):
				Fail("the alias does not go on after " + reasons[reached])
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
