package tree

import (
	"bytes"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestWhyLeadsFromAPodToWhatClosedItsGate(t *testing.T) {
	g := NewWithT(t)
	paths, err := NewGraph(shop()).Why(ID{KindPod, "shop", "cart-1"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(paths).To(HaveLen(1))
	var names []string
	for _, hop := range paths[0] {
		names = append(names, hop.From("shop"))
	}
	g.Expect(names).To(Equal([]string{"Pod/cart-1", "AliasCheck/front", "AliasCheck/needs-web", "HealthCheck/web"}))
	g.Expect(paths[0][0].State).To(Equal("gate closed"))
	g.Expect(paths[0][3].Next).To(HavePrefix("The last probe failed."))

	out := &bytes.Buffer{}
	PrintWhy(out, paths, "shop", now)
	g.Expect(out.String()).To(ContainSubstring("because HealthCheck/web is Critical (ProbeFailed) since 2026-12-01T11:57:00Z (3m ago)"))
	g.Expect(out.String()).To(ContainSubstring("Next: The last probe failed."))
}

func TestWhyOfAPodWhoseAliasDoesNotExistSaysSo(t *testing.T) {
	g := NewWithT(t)
	w := emptyWorld()
	w.pod("shop", "cart-1", "gone", false)
	paths, err := NewGraph(w).Why(ID{KindPod, "shop", "cart-1"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(paths[0]).To(HaveLen(1))
	g.Expect(paths[0][0].Next).To(ContainSubstring("there is no AliasCheck of that name"))
}

func TestWhyOfAMissingTargetEndsAtIt(t *testing.T) {
	g := NewWithT(t)
	w := emptyWorld()
	w.alias("shop", "a", to(KindHealthCheck, "gone"), v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound, "HealthCheck/gone does not exist")
	paths, err := NewGraph(w).Why(ID{KindAliasCheck, "shop", "a"})
	g.Expect(err).NotTo(HaveOccurred())
	last := paths[0][len(paths[0])-1]
	g.Expect(last.From("shop")).To(Equal("HealthCheck/gone"))
	g.Expect(last.State).To(Equal("missing"))
	g.Expect(last.Next).NotTo(BeEmpty())
}

func TestWhyOfARingEnds(t *testing.T) {
	g := NewWithT(t)
	w := emptyWorld()
	w.alias("shop", "a", to(KindAliasCheck, "b"), v1alpha1.StateCritical, v1alpha1.ReasonAliasCycle, "a → b → a")
	w.alias("shop", "b", to(KindAliasCheck, "a"), v1alpha1.StateCritical, v1alpha1.ReasonAliasCycle, "b → a → b")
	paths, err := NewGraph(w).Why(ID{KindAliasCheck, "shop", "a"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(paths[0]).To(HaveLen(3))
	g.Expect(paths[0][2].Next).To(ContainSubstring("Point one of them elsewhere"))
}

func TestImpactListsAllThatFollows(t *testing.T) {
	g := NewWithT(t)
	impact := NewGraph(shop()).Impact(ID{KindHealthCheck, "shop", "web"})
	var names []string
	for _, n := range impact.Aliases {
		names = append(names, n.From("shop"))
	}
	g.Expect(names).To(Equal([]string{"AliasCheck/needs-web", "AliasCheck/front"}))
	g.Expect(impact.Pods).To(HaveLen(1))
	g.Expect(impact.Pods[0].Name).To(Equal("cart-1"))
	g.Expect(impact.Pods[0].Open).To(BeFalse())
}

func TestImpactReachesThroughAService(t *testing.T) {
	g := NewWithT(t)
	impact := NewGraph(shop()).Impact(ID{KindHealthCheck, "shop", "db-b"})
	g.Expect(impact.Aliases).To(HaveLen(1))
	g.Expect(impact.Aliases[0].Name).To(Equal("db"))
	g.Expect(impact.Pods).To(HaveLen(1))
	g.Expect(impact.Pods[0].Open).To(BeTrue())
}

func TestEveryReasonOfTheTroubleshootingPageHasAnAdvice(t *testing.T) {
	g := NewWithT(t)
	for _, reason := range []string{"ProbeFailed", "TargetNotFound", "AliasCycle", "KindForbidden", "NoChecks", "AliasNotFound"} {
		g.Expect(Advice(reason)).NotTo(BeEmpty(), reason)
		g.Expect(Advice(reason)).NotTo(ContainSubstring("`"), reason)
	}
}
