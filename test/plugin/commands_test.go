package plugin

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/test/blackbox"
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
		return golden(out)
	}, bound, "200ms").Should(HavePrefix(`Pod/cart is gate closed (ProbeFailed) since TIME (AGE ago)
  AliasCheck front is Critical (ProbeFailed): GET http://SERVER: 503 Service Unavailable
  because AliasCheck/front is Critical (ProbeFailed) since TIME (AGE ago)
  GET http://SERVER: 503 Service Unavailable
  because AliasCheck/needs-web is Critical (ProbeFailed) since TIME (AGE ago)
  GET http://SERVER: 503 Service Unavailable
  because HealthCheck/web is Critical (ProbeFailed) since TIME (AGE ago)
  GET http://SERVER: 503 Service Unavailable

Next: The last probe failed.`))
	out, stderr, code := call(t, "why", "pod/cart", "-n", "shop", "-o", "json")
	g.Expect(code).To(BeZero(), stderr)
	var paths [][]struct{ Kind, Name, State, Next string }
	g.Expect(json.Unmarshal([]byte(out), &paths)).To(Succeed())
	g.Expect(paths).To(ConsistOf(HaveLen(4)))
	g.Expect(paths[0][3]).To(And(HaveField("Name", "web"), HaveField("State", "Critical"), HaveField("Next", HavePrefix("The last probe failed."))))
}

func TestWhyIsForChecksAndPods(t *testing.T) {
	g := NewWithT(t)
	_, stderr, code := call(t, "why", "deploy/web", "-n", "shop")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(Equal("kubectl aliascheck: why is for checks and pods, and not for a Deployment: " +
		"impact lists the aliases that follow it, eval says what its rules make of it\n"))
}

func TestImpactListsAliasesAndPods(t *testing.T) {
	g := NewWithT(t)
	break503(t)
	g.Eventually(func() string {
		out, _, _ := call(t, "impact", "hck/web", "-n", "shop")
		return golden(out)
	}, bound, "200ms").Should(Equal(`FOLLOWS  STATE  REASON  SINCE
AliasCheck/needs-web  Critical  ProbeFailed  AGE
AliasCheck/front  Critical  ProbeFailed  AGE
Pod/cart  gate closed  by front
`))
	out, stderr, code := call(t, "impact", "healthchecks/gone", "-n", "shop", "-o", "yaml")
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(And(HavePrefix("aliases:\n- conditions:\n"), ContainSubstring("  name: lost\n"), ContainSubstring("\npods: []\n")))
}

// A kind goes by all the names that kubectl has for it; one that is not installed goes by its own.
func TestImpactKnowsTheNamesOfKinds(t *testing.T) {
	g := NewWithT(t)
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kinds"}})
	for name, ref := range map[string]string{"of-deployment": "apiVersion: apps/v1, kind: Deployment", "of-thing": "apiVersion: example.com/v1, kind: Thing"} {
		create(t, object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: `+name+`, namespace: kinds}
spec: {targetRef: {`+ref+`, name: x}}`))
	}
	for argument, alias := range map[string]string{
		"deploy/x": "of-deployment", "deployments.apps/x": "of-deployment", "Deployment/x": "of-deployment", "Thing/x": "of-thing",
	} {
		out, stderr, code := call(t, "impact", argument, "-n", "kinds")
		g.Expect(code).To(BeZero(), stderr)
		g.Expect(out).To(ContainSubstring("\nAliasCheck/"+alias+" "), argument)
	}
	out, _, _ := call(t, "impact", "deploy/other", "-n", "kinds")
	g.Expect(out).To(Equal("Nothing follows Deployment/other.\n"))
}

func TestTreeShowsRingsConditionsAndWhatIsSelected(t *testing.T) {
	g := NewWithT(t)
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "rings"}})
	for name, other := range map[string]string{"a": "b", "b": "a"} {
		create(t, object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: `+name+`, namespace: rings, labels: {side: `+name+`}}
spec: {targetRef: {kind: AliasCheck, name: `+other+`}}`))
	}
	const ringA = `AliasCheck/a  Critical  AliasCycle  AGE
└── AliasCheck/b  Critical  AliasCycle  AGE
  └── AliasCheck/a ↺ ring  Critical  AliasCycle  AGE  the alias reaches itself: a → b → a
`
	drawn := func(arguments ...string) func() string {
		return func() string {
			out, _, _ := call(t, append([]string{"tree"}, arguments...)...)
			return golden(out)
		}
	}
	g.Eventually(drawn("-n", "rings", "-l", "side=a"), bound, "200ms").Should(Equal("NAME  STATE  REASON  SINCE  MESSAGE\n" + ringA))
	g.Eventually(drawn("-n", "rings"), bound, "200ms").Should(And(ContainSubstring(ringA), ContainSubstring("b → a → b")))
	g.Expect(drawn("a", "-n", "rings", "--show-conditions")()).To(ContainSubstring(`
AliasCheck/a  Critical  AliasCycle  AGE
│  Ready  False  AliasCycle  AGE
│  TargetResolved  False  AliasCycle  AGE
│  Stalled  True  AliasCycle  AGE
└── AliasCheck/b  Critical  AliasCycle  AGE
`))
	g.Expect(drawn("-A")()).To(And(ContainSubstring("AliasCheck/rings/a ↺ ring"), ContainSubstring("AliasCheck/shop/front  ")))
}

func TestTreeOfNothingSaysSo(t *testing.T) {
	g := NewWithT(t)
	_, stderr, code := call(t, "tree", "-n", "empty")
	g.Expect(code).To(BeZero())
	g.Expect(stderr).To(Equal("There are no such AliasChecks in namespace empty.\n"))
	_, stderr, code = call(t, "tree", "front", "-A")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(Equal("kubectl aliascheck: an alias is in one namespace: name it with -n, and not -A\n"))
}

// On a pipe there is one answer for each change, and none because ages grow.
func TestWatchPrintsTheAnswerAgainWhenItHasBecomeAnother(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	command := exec.CommandContext(ctx, plugin, "--kubeconfig="+plane.Kubeconfig, "tree", "front", "-n", "shop", "--watch")
	out := &blackbox.Log{}
	command.Stdout, command.Stderr = out, out
	g.Expect(command.Start()).To(Succeed())
	defer func() { cancel(); _ = command.Wait() }()
	printed := func() string { return golden(out.String()) }
	g.Eventually(printed, bound, "50ms").Should(ContainSubstring("AliasCheck/front  Passing"))
	break503(t)
	g.Eventually(printed, bound, "50ms").Should(ContainSubstring("HealthCheck/web ◀ culprit  Critical"))
	g.Expect(strings.Count(printed(), "HealthCheck/web  Passing  ProbeSucceeded")).To(Equal(1), out.String())
}

func TestTabCompletesNamesKindsAndStates(t *testing.T) {
	g := NewWithT(t)
	for arguments, want := range map[string]string{
		"tree":                    "front\nlost\nneeds-web\n:4\n",
		"why -n shop ":            "front\nhealthcheck/web\nlost\nneeds-web\npod/cart\n:4\n",
		"impact healthcheck/":     "healthcheck/web\n:4\n",
		"wait front --for ":       "Ready\nPassing\nWarning\nCritical\nMaintenance\nUnknown\n:4\n",
		"tree -o ":                "json\nyaml\n:4\n",
		"tree -n kube-s":          "kube-system\n:4\n",
		"rules PersistentVolumeC": "PersistentVolume\n",
	} {
		words := strings.Split(arguments, " ")
		if len(words) == 1 {
			words = append(words, "")
		}
		out, stderr, code := call(t, append([]string{"__complete", "--namespace=shop"}, words...)...)
		g.Expect(code).To(BeZero(), stderr)
		g.Expect(out).To(ContainSubstring(want), arguments)
	}
}

func TestWaitThatIsNotMetSaysWhatItWaitedForAndExitsWithTwo(t *testing.T) {
	g := NewWithT(t)
	_, stderr, code := call(t, "wait", "lost", "-n", "shop", "--timeout=1s")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(ContainSubstring("because HealthCheck/gone is missing: it does not exist"))
}

func TestWaitSaysWhatItWaitsForUntilItIsMet(t *testing.T) {
	g := NewWithT(t)
	create(t, object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: planned, namespace: shop}
spec: {http: {url: "http://localhost"}, maintenance: {reason: disks}}`))
	out, stderr, code := call(t, "wait", "hck/planned", "-n", "shop", "--for=maintenance", "--timeout=50s")
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(HaveSuffix("HealthCheck/planned is Maintenance\n"))
}

func TestWaitRefusesAtOnceWhatCanNeverBe(t *testing.T) {
	g := NewWithT(t)
	_, stderr, code := call(t, "wait", "front", "-n", "shop", "--for=Green")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(Equal("kubectl aliascheck: --for=Green must be one of Ready, Passing, Warning, Critical, Maintenance, Unknown\n"))
	_, stderr, code = call(t, "wait", "pod/cart", "-n", "shop")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(Equal("kubectl aliascheck: Pod/cart is no check: wait is for AliasChecks and HealthChecks\n"))
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

func TestEvalTriesARuleOnObjectsFromStdin(t *testing.T) {
	g := NewWithT(t)
	rule := filepath.Join(t.TempDir(), "rule.yaml")
	g.Expect(os.WriteFile(rule, []byte(`{apiVersion: health.aliascheck.dev/v1alpha1, kind: HealthRule, metadata: {name: things},
spec: {target: {group: example.com, kind: Thing}, rules: [{state: Passing, when: "object.status.fine", reason: Fine}]}}`), 0o600)).To(Succeed())
	out, stderr, code := callWith(t, "{apiVersion: example.com/v1, kind: Thing, metadata: {name: a}, status: {fine: true}}\n"+
		"---\n{apiVersion: v1, kind: Service, metadata: {name: web}}\n", "eval", "-f", "-", "--rules", rule)
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(Equal("Thing/a is Passing (Fine): Thing a is Passing by its health rules\n" +
		"  decided by rules[0] of the 1 rules of Thing, " + rule + "\n" +
		"Service/web is judged by its endpoints and the HealthChecks whose serviceRef names it, and not by rules: an AliasCheck of it has its state\n"))
}

func TestEvalJudgesAnObjectOfTheCluster(t *testing.T) {
	g := NewWithT(t)
	out, stderr, code := call(t, "eval", "ns/shop")
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(MatchRegexp(`^Namespace/shop is Passing \(Active\): .*\n  decided by rules\[\d\] of the \d+ rules of Namespace, built-in\n$`))
}

func TestRulesSayWhatMakesAKindPassing(t *testing.T) {
	g := NewWithT(t)
	out, stderr, code := call(t, "rules", "PersistentVolumeClaim", "--offline")
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(out).To(ContainSubstring("Passing (Bound)"))
	same, stderr, code := call(t, "rules", "pvc")
	g.Expect(code).To(BeZero(), stderr)
	g.Expect(same).To(Equal(out), "kubectl's short name, of a cluster without HealthRules for it")
}
