package controllers_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// allLinks is the time for sixteen edges, one behind the other, on a machine that is busy. On one that is not they take
// less than a second.
const allLinks = 5 * time.Second

var _ = Describe("A chain of AliasChecks", func() {
	var (
		ctx         context.Context
		namespace   string
		evaluations atomic.Int64
	)

	BeforeEach(func() {
		ctx = context.Background()
		namespace = newNamespace(ctx)
		evaluations.Store(0)
		aliases := aliasesWithResync(time.Minute, namespace)
		aliases.Evaluated = func() { evaluations.Add(1) }
		aliases.start()
	})

	// chain makes aliases of which each refers to the next, and the last to a target of its own.
	chain := func(length int, end func(*v1alpha1.AliasCheck)) []*v1alpha1.AliasCheck {
		GinkgoHelper()
		aliases := make([]*v1alpha1.AliasCheck, length)
		for i := length - 1; i >= 0; i-- {
			next := end
			if i < length-1 {
				next = targeting("AliasCheck", aliases[i+1].Name)
			}
			aliases[i] = newAlias(ctx, namespace, fmt.Sprintf("link-%02d", i+1), next)
		}
		return aliases
	}

	It("shows what is at its end, with its transition time and its culprit", func() {
		since := time.Now().Add(-time.Hour).Truncate(time.Second)
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StateCritical, "Down", "refused", since)
		aliases := chain(3, targeting("HealthCheck", "web"))

		Eventually(statusOf(ctx, aliases[0])).Should(show(v1alpha1.StateCritical, "Down"))
		live := statusOf(ctx, aliases[0])(Default)
		Expect(live.Status.Message).To(Equal("refused"))
		Expect(live.Status.LastTransitionTime.Time).To(BeTemporally("==", since))
		Expect(live.Status.Culprit).To(Equal(&v1alpha1.Culprit{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealthCheck", Name: "web", Namespace: namespace}))
	})

	It("carries maintenance from end to end, and its end too (Consul #5634, #6797)", func() {
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		aliases := chain(4, targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, aliases[0])).Should(show(v1alpha1.StatePassing, "Fine"))

		annotate(ctx, web, "disk swap")
		Eventually(statusOf(ctx, aliases[0])).WithTimeout(anEdge).Should(show(v1alpha1.StateMaintenance, "Maintenance"))
		annotate(ctx, web, "")
		Eventually(statusOf(ctx, aliases[0])).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))
	})

	It("is in maintenance from an annotated alias on", func() {
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		aliases := chain(3, targeting("HealthCheck", "web"))
		annotate(ctx, aliases[1], "moving")
		Eventually(statusOf(ctx, aliases[0])).Should(show(v1alpha1.StateMaintenance, "Maintenance"))
		Eventually(statusOf(ctx, aliases[1])).Should(show(v1alpha1.StatePassing, "Fine"))
		annotate(ctx, aliases[1], "")
		Eventually(statusOf(ctx, aliases[0])).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))
	})

	It("is evaluated link by link, and not as a whole for each of them", func() {
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		aliases := chain(16, targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, aliases[0])).WithTimeout(time.Minute).Should(show(v1alpha1.StatePassing, "Fine"))
		before := evaluations.Load()
		report(ctx, web, v1alpha1.StateCritical, "Down", "refused", time.Now())
		Eventually(statusOf(ctx, aliases[0])).WithTimeout(time.Minute).Should(show(v1alpha1.StateCritical, "Down"))
		// Each has the edge of the next, that of its own write, and perhaps one of its beginning.
		Expect(evaluations.Load() - before).To(BeNumerically("<=", 3*16))
	})

	It("that is one alias of itself is a ring, whatever whenMissing says (I5)", func() {
		alias := newAlias(ctx, namespace, "a", targeting("AliasCheck", "a"), whenMissing(v1alpha1.StatePassing))
		Eventually(statusOf(ctx, alias)).Should(beStuck(v1alpha1.ReasonAliasCycle, "the alias reaches itself: a → a"))
	})

	It("of two that refer to each other is a ring, until it is broken", func() {
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		a := newAlias(ctx, namespace, "a", targeting("AliasCheck", "b"))
		b := newAlias(ctx, namespace, "b", targeting("AliasCheck", "a"))
		tail := newAlias(ctx, namespace, "tail", targeting("AliasCheck", "a"))
		Eventually(statusOf(ctx, a)).Should(beStuck(v1alpha1.ReasonAliasCycle, "the alias reaches itself: a → b → a"))
		Eventually(statusOf(ctx, b)).Should(beStuck(v1alpha1.ReasonAliasCycle, "the alias reaches itself: b → a → b"))
		Eventually(statusOf(ctx, tail)).
			Should(beStuck(v1alpha1.ReasonAliasCycle, "the alias reaches a ring: tail → a → b → a"))

		edit(ctx, b, func(b *v1alpha1.AliasCheck) { targeting("HealthCheck", "web")(b) })
		for _, alias := range []*v1alpha1.AliasCheck{b, a, tail} {
			Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))
			Expect(statusOf(ctx, alias)(Default)).NotTo(BeStalled())
		}
	})

	It("of sixteen in a ring, and a tail into it, is a ring for each, and recovers by itself", func() {
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		aliases := chain(16, targeting("AliasCheck", "link-01"))
		for _, alias := range aliases {
			Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonAliasCycle))
		}
		tail := newAlias(ctx, namespace, "tail", targeting("AliasCheck", "link-05"))
		Eventually(statusOf(ctx, tail)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonAliasCycle))
		Expect(statusOf(ctx, tail)(Default).Status.Message).
			To(HavePrefix("the alias reaches a ring: tail → link-05 → link-06 → "))

		everyLink := func(state v1alpha1.State, reason string) {
			GinkgoHelper()
			statuses := func(g Gomega) []*v1alpha1.AliasCheck {
				var live []*v1alpha1.AliasCheck
				for _, alias := range append(aliases, tail) {
					live = append(live, statusOf(ctx, alias)(g))
				}
				return live
			}
			Eventually(statuses).WithTimeout(allLinks).Should(HaveEach(show(state, reason)))
		}
		// The tail enters the ring late: from it the chain that is left has fourteen links.
		edit(ctx, aliases[1], func(a *v1alpha1.AliasCheck) { targeting("HealthCheck", "web")(a) })
		Eventually(statusOf(ctx, aliases[0])).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))
		everyLink(v1alpha1.StatePassing, "Fine")
		report(ctx, web, v1alpha1.StateWarning, "Slow", "slow", time.Now())
		everyLink(v1alpha1.StateWarning, "Slow")
		edit(ctx, aliases[1], func(a *v1alpha1.AliasCheck) { targeting("AliasCheck", "link-03")(a) })
		everyLink(v1alpha1.StateCritical, v1alpha1.ReasonAliasCycle)
	})

	It("of sixteen is followed, and of seventeen too deep for its first alone", func() {
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		aliases := chain(17, targeting("HealthCheck", "web"))
		Eventually(statusOf(ctx, aliases[1])).WithTimeout(time.Minute).Should(show(v1alpha1.StatePassing, "Fine"))
		Eventually(statusOf(ctx, aliases[0])).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonAliasTooDeep))
		Expect(statusOf(ctx, aliases[0])(Default)).To(BeStalled())

		// The second shows the same before and after: only the edit itself can be the edge for the first.
		edit(ctx, aliases[10], func(a *v1alpha1.AliasCheck) { targeting("HealthCheck", "web")(a) })
		Eventually(statusOf(ctx, aliases[0])).WithTimeout(anEdge).Should(show(v1alpha1.StatePassing, "Fine"))
	})
})

func whenMissing(state v1alpha1.State) func(*v1alpha1.AliasCheck) {
	return func(a *v1alpha1.AliasCheck) { a.Spec.WhenMissing = state }
}

func whenEmpty(state v1alpha1.State) func(*v1alpha1.AliasCheck) {
	return func(a *v1alpha1.AliasCheck) { a.Spec.WhenEmpty = state }
}

// BeStalled matches a check whose spec no retry can fix.
func BeStalled() OmegaMatcher {
	return WithTransform(func(a *v1alpha1.AliasCheck) bool {
		return meta.IsStatusConditionTrue(a.Status.Conditions, v1alpha1.ConditionStalled)
	}, BeTrue())
}

// beStuck matches a check that is Critical and stalled, for this reason and with this message.
func beStuck(reason, message string) OmegaMatcher {
	return SatisfyAll(show(v1alpha1.StateCritical, reason), saying(message), BeStalled())
}

func saying(message string) OmegaMatcher {
	return WithTransform(func(a *v1alpha1.AliasCheck) string { return a.Status.Message }, Equal(message))
}
