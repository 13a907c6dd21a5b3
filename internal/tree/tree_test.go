package tree

import (
	"bytes"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func drawn(g Gomega, w *World, conditions bool, roots ...ID) string {
	graph := NewGraph(w)
	if len(roots) == 0 {
		roots = graph.Roots("", labels.Everything())
	}
	var trees []*Node
	for _, root := range roots {
		trees = append(trees, graph.Tree(root))
	}
	out := &bytes.Buffer{}
	g.Expect(Print(out, trees, "shop", now, conditions)).To(Succeed())
	return out.String()
}

func TestATreeLeadsFromItsRootsToWhatDecided(t *testing.T) {
	g := NewWithT(t)
	g.Expect(drawn(g, shop(), false)).To(Equal(`NAME                                STATE     REASON          SINCE  MESSAGE
AliasCheck/front                    Critical  ProbeFailed     3m
└── AliasCheck/needs-web            Critical  ProbeFailed     3m
    └── HealthCheck/web ◀ culprit   Critical  ProbeFailed     3m     GET http://web.shop:8080/: connection refused
AliasCheck/db                       Warning   WarningChecks   3m
└── Service/db                      Warning   WarningChecks   3m
    ├── HealthCheck/db-a            Passing   ProbeSucceeded  3m     connected
    └── HealthCheck/db-b ◀ culprit  Warning   ProbeWarning    3m     slow
`))
}

func TestATreeShowsARingAndAnAliasThatDoesNotExist(t *testing.T) {
	g := NewWithT(t)
	w := emptyWorld()
	w.alias("shop", "a", to(KindAliasCheck, "b"), v1alpha1.StateCritical, v1alpha1.ReasonAliasCycle, "a → b → a")
	w.alias("shop", "b", to(KindAliasCheck, "a"), v1alpha1.StateCritical, v1alpha1.ReasonAliasCycle, "b → a → b")
	w.alias("shop", "c", to(KindHealthCheck, "gone"), v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound, "HealthCheck/gone does not exist")
	text := drawn(g, w, false)
	g.Expect(text).To(ContainSubstring("AliasCheck/a ↺ ring"))
	g.Expect(text).To(ContainSubstring("HealthCheck/gone (does not exist)"))
}

func TestATreeIsNotLargerThanTheGraph(t *testing.T) {
	g := NewWithT(t)
	w := emptyWorld()
	w.check("shop", "web", v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded, "ok").Spec.ServiceRef = &v1alpha1.LocalServiceReference{Name: "web"}
	w.alias("shop", "web", to(KindService, "web"), v1alpha1.StatePassing, v1alpha1.ReasonAllPassing, "")
	tree := NewGraph(w).Tree(ID{KindAliasCheck, "shop", "web"})
	g.Expect(tree.Children).To(HaveLen(1))
	g.Expect(tree.Children[0].Children).To(HaveLen(1))
}

func TestConditionsStandBelowTheirCheck(t *testing.T) {
	g := NewWithT(t)
	g.Expect(drawn(g, shop(), true, ID{KindAliasCheck, "shop", "needs-web"})).To(ContainSubstring("│   Ready"))
}

func TestTextOfOthersIsNeverMoreThanText(t *testing.T) {
	g := NewWithT(t)
	w := emptyWorld()
	w.check("shop", "web", v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed, "\x1b[2Jgone\u202e\u009b31m")
	w.alias("shop", "web", to(KindHealthCheck, "web"), v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed, "\x1b]0;title\a")
	text := drawn(g, w, false)
	g.Expect(text).NotTo(MatchRegexp(`[\x00-\x09\x0b-\x1f\x7f-\x9f\x{202e}]`))
}
