package install_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// commandLine is a line of a page that somebody may paste into a shell: it is indented by four spaces, outside of lists.
var commandLine = regexp.MustCompile(`(?m)^    ((?:kubectl|make|helm|kind|docker|git|cosign) (?:[^\n\\]|\\\n)*)`)

// elsewhere are the commands that are not run here, and what runs them.
var elsewhere = map[string]string{
	"make run":       "hack/demo: it is a program of its own",
	"make test":      "it is what runs this",
	"make test-fast": "it runs what needs no API server, of the same tests",
	"kubectl -n aliascheck-system rollout status deployment/aliascheck-controller-manager":            "test/realnode: it needs a kubelet",
	"kubectl wait --for=condition=Ready aliascheck/cart-needs-shop --timeout=60s":                     "aliasFollowsBothWays: it needs a probe of a pod",
	"kubectl wait --for=jsonpath='{.status.state}'=Critical aliascheck/cart-needs-shop --timeout=60s": "aliasFollowsBothWays",
	"kubectl delete -f dist/install.yaml":                                                             "deletesInTime, test/uninstall",
	"helm install aliascheck oci://ghcr.io/aliascheck/charts/aliascheck --namespace aliascheck-system --create-namespace": "" +
		"hack/release, by helm template of charts/aliascheck",
}

// Every command of the pages that people begin with is run, in their order, on one control plane.
func TestTheCommandsOfThePagesWork(t *testing.T) {
	c := startCluster(t)
	for _, namespace := range []string{"shop", "monitoring"} {
		c.must(t, "", "create", "namespace", namespace)
	}
	NewWithT(t).Eventually(func() error { // the ServiceAccount of pods is made by kube-controller-manager
		_, err := c.kubectl(t.Context(), gatedPod, "apply", "-f", "-")
		return err
	}).WithTimeout(time.Minute).Should(Succeed())
	for _, page := range []string{"README.md", "docs/install.md"} {
		text, err := os.ReadFile(filepath.Join(controlplane.Root(), filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		found := commandLine.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Fatalf("%s has no commands", page)
		}
		for _, command := range found {
			line, _, _ := strings.Cut(command[1], "  #")
			runCommand(t, c, page, strings.TrimSpace(line))
		}
	}
}

func runCommand(t *testing.T, c *cluster, page, line string) {
	t.Helper()
	if _, ok := elsewhere[line]; ok {
		return
	}
	if !strings.HasPrefix(line, "kubectl ") {
		t.Errorf("%s: no test runs %q: run it here, or say in `elsewhere` what does", page, line)
		return
	}
	kubectl, err := controlplane.Binary("kubectl")
	if err != nil {
		t.Fatal(err)
	}
	script := "kubectl() { " + kubectl + " --kubeconfig=" + c.Kubeconfig + " \"$@\"; }\n" + line
	command := func() ([]byte, error) {
		shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
		shell.Dir = controlplane.Root()
		return shell.CombinedOutput()
	}
	// What was applied a moment ago, a CRD say, may not be served yet.
	NewWithT(t).Eventually(func(g Gomega) {
		output, err := command()
		g.Expect(err).NotTo(HaveOccurred(), "%s: %s: %s", page, line, output)
	}).WithTimeout(30 * time.Second).WithPolling(time.Second).Should(Succeed())
}
