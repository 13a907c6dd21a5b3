package plugin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

func TestTreeDrawsTheRootsWorstFirstDownToTheCulprit(t *testing.T) {
	g := NewWithT(t)
	break503(t)
	g.Eventually(func() string {
		out, _, _ := call(t, "tree", "-n", "shop")
		return golden(out)
	}, bound, "200ms").Should(Equal(`NAME  STATE  REASON  SINCE  MESSAGE
AliasCheck/front  Critical  ProbeFailed  AGE
└── AliasCheck/needs-web  Critical  ProbeFailed  AGE
  └── HealthCheck/web ◀ culprit  Critical  ProbeFailed  AGE  GET http://SERVER: 503 Service Unavailable
AliasCheck/lost  Critical  TargetNotFound  AGE
└── HealthCheck/gone ◀ culprit (does not exist)  -  -  -
`))
}

func TestTreeIsJSONForPrograms(t *testing.T) {
	g := NewWithT(t)
	out, stderr, code := call(t, "tree", "front", "-n", "shop", "-o", "json")
	g.Expect(code).To(BeZero(), stderr)
	var trees []struct {
		Kind, Name string
		Children   []struct{ Kind, Name string }
	}
	g.Expect(json.Unmarshal([]byte(out), &trees)).To(Succeed())
	g.Expect(trees).To(HaveLen(1))
	g.Expect(trees[0].Name).To(Equal("front"))
	g.Expect(trees[0].Children[0].Name).To(Equal("needs-web"))
}

func TestWhyLeadsFromThePodToTheServer(t *testing.T) {
	g := NewWithT(t)
	break503(t)
	g.Eventually(func() string {
		out, _, _ := call(t, "why", "pod/cart", "-n", "shop")
		return out
	}, bound, "200ms").Should(And(
		ContainSubstring("Pod/cart is gate closed (ProbeFailed)"),
		ContainSubstring("because AliasCheck/front is Critical"),
		ContainSubstring("because HealthCheck/web is Critical (ProbeFailed)"),
		ContainSubstring("Next: The last probe failed."),
	))
}

func TestImpactListsAliasesAndPods(t *testing.T) {
	g := NewWithT(t)
	out, stderr, code := call(t, "impact", "hck/web", "-n", "shop")
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(And(ContainSubstring("AliasCheck/needs-web"), ContainSubstring("AliasCheck/front"), ContainSubstring("Pod/cart")))
}

func TestWaitThatIsNotMetSaysWhatItWaitedForAndExitsWithTwo(t *testing.T) {
	g := NewWithT(t)
	_, stderr, code := call(t, "wait", "lost", "-n", "shop", "--timeout=1s")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(ContainSubstring("because HealthCheck/gone is does not exist"))
}

func TestAnObjectThatDoesNotExistIsToldInOneLine(t *testing.T) {
	g := NewWithT(t)
	_, stderr, code := call(t, "why", "aliascheck/nobody", "-n", "shop")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(Equal("kubectl aliascheck: there is no AliasCheck nobody in namespace shop\n"))
}

func TestEvalJudgesAnObjectOfAFileWithoutACluster(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "claim.yaml")
	g.Expect(os.WriteFile(file, []byte("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, status: {phase: Lost}}"), 0o600)).To(Succeed())
	out, stderr, code := call(t, "eval", "-f", file)
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(ContainSubstring("PersistentVolumeClaim/data is Critical (Lost)"))
	g.Expect(out).To(MatchRegexp(`decided by rules\[\d\] of the \d+ rules of PersistentVolumeClaim, built-in`))
}

func TestRulesSayWhatMakesAKindPassing(t *testing.T) {
	g := NewWithT(t)
	out, stderr, code := call(t, "rules", "PersistentVolumeClaim", "--offline")
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(ContainSubstring("Passing (Bound)"))
}
