package controllers_test

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

var _ = Describe("While the API server takes writes of a kind, and fails to list and watch it", func() {
	var (
		namespace string
		between   *proxy.Proxy
	)

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	// critical starts the reconcilers, and reports a check which they follow.
	critical := func(ctx SpecContext) *v1alpha1.HealthCheck {
		between = startSwept(namespace)
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StateCritical, "Said", "refused", time.Now())
		return web
	}

	fail := func(resource string) {
		between.Set(proxy.Faults{Answers: []proxy.Answer{
			{Status: http.StatusInternalServerError, Method: http.MethodGet, Resource: resource},
		}})
		between.Cut()
	}

	DescribeTable("an alias follows its target, to and fro (I1)",
		func(ctx SpecContext, following func(*v1alpha1.AliasCheck)) {
			web := critical(ctx)
			alias := newAlias(ctx, namespace, "front", following)
			Eventually(statusOf(ctx, alias)).Should(haveState(v1alpha1.StateCritical))
			fail("aliaschecks")
			for _, state := range []v1alpha1.State{v1alpha1.StatePassing, v1alpha1.StateCritical, v1alpha1.StatePassing} {
				report(ctx, web, state, "Said", "refused", time.Now())
				Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).Should(haveState(state))
			}
		},
		Entry("one that mirrors a check", targeting("HealthCheck", "web")),
		Entry("one that combines checks", func(a *v1alpha1.AliasCheck) { a.Spec.Selector = &v1alpha1.Selector{} }),
	)

	It("an alias follows its target after somebody else has written it, where it can be read by its name", func(ctx SpecContext) {
		web := critical(ctx)
		alias := newAlias(ctx, namespace, "front", func(a *v1alpha1.AliasCheck) { a.Spec.Selector = &v1alpha1.Selector{} })
		Eventually(statusOf(ctx, alias)).Should(haveState(v1alpha1.StateCritical))
		fail("aliaschecks")
		report(ctx, web, v1alpha1.StatePassing, "Said", "refused", time.Now())
		Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StatePassing))
		edit(ctx, alias, func(a *v1alpha1.AliasCheck) { a.Labels = map[string]string{"team": "shop"} })
		report(ctx, web, v1alpha1.StateCritical, "Said", "refused", time.Now())
		Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StateCritical))
	})

	DescribeTable("a pod's gate follows its alias, to and fro (I1)", func(ctx SpecContext, resource string) {
		web := critical(ctx)
		newAlias(ctx, namespace, "db", targeting("HealthCheck", "web"))
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "Said"))
		fail(resource)
		for _, step := range []struct {
			state v1alpha1.State
			gate  corev1.ConditionStatus
		}{
			{v1alpha1.StatePassing, corev1.ConditionTrue},
			{v1alpha1.StateCritical, corev1.ConditionFalse},
			{v1alpha1.StatePassing, corev1.ConditionTrue},
		} {
			report(ctx, web, step.state, "Said", "refused", time.Now())
			Eventually(statusOf(ctx, pod)).WithTimeout(time.Minute).Should(haveGate(gateOnDB, step.gate, "Said"))
		}
	},
		Entry("where aliases cannot be watched", "aliaschecks"),
		Entry("where pods cannot", "pods"),
	)

	It("a check goes on to be probed, and to show what that sees", func(ctx SpecContext) {
		web := newSubject()
		DeferCleanup(web.Close)
		mgr, proxied := newSweptManager(namespace)
		between = proxied
		runHealthChecks(mgr)
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second), failing(0, 1))
		Eventually(statusOf(ctx, check)).Should(haveState(v1alpha1.StatePassing))
		fail("healthchecks")
		for range 2 {
			web.status.Store(http.StatusServiceUnavailable)
			Eventually(statusOf(ctx, check)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StateCritical))
			web.status.Store(http.StatusOK)
			Eventually(statusOf(ctx, check)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StatePassing))
		}
	})
})

func haveState(state v1alpha1.State) OmegaMatcher {
	return WithTransform(func(check v1alpha1.Check) v1alpha1.State { return check.CommonStatus().State }, Equal(state))
}
