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

// pastable is what somebody may paste from a page: a fenced block in a language, or a command line, which is indented by four
// spaces and goes on behind a backslash.
var pastable = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$|^    (\\S(?:[^\n\\\\]|\\\\\n)*)")

// ofARelease is a folder of this repository as kustomize finds it on GitHub.
var ofARelease = regexp.MustCompile(`https://github\.com/aliascheck/aliascheck//config/(\S+)\?ref=v[\d.]+`)

// onThePage is a file of a release, on its page.
var onThePage = regexp.MustCompile(`https://github\.com/aliascheck/aliascheck/releases/download/v[\d.]+/`)

// theReadme is what runs the two minutes of the README, on a node.
const theReadme = "test/realnode: readme"

// elsewhere are the commands that are not run here, and what runs them.
var elsewhere = map[string]string{
	"make run":       "hack/demo: it is a program of its own",
	"make test":      "it is what runs this",
	"make test-fast": "it runs what needs no API server, of the same tests",
	"kubectl -n aliascheck-system rollout status deployment/aliascheck-controller-manager":            theReadme,
	"kubectl wait --for=condition=Ready aliascheck/cart-needs-shop --timeout=60s":                     theReadme,
	"kubectl wait --for=jsonpath='{.status.state}'=Critical aliascheck/cart-needs-shop --timeout=60s": theReadme,
	"kubectl delete -f dist/install.yaml":                                                             "deletesInTime, test/uninstall",
	"helm install aliascheck oci://ghcr.io/aliascheck/charts/aliascheck --namespace aliascheck-system --create-namespace": "" +
		"hack/release, by helm template of charts/aliascheck",
}

// Every command of the pages that people begin with is run, and every object and kustomization applied, in their order, on one
// control plane. What has no language is output.
func TestTheCommandsOfThePagesWork(t *testing.T) {
	c := startCluster(t)
	knowsMonitoring(t, NewWithT(t), c)
	for _, namespace := range []string{"shop", "monitoring"} {
		c.must(t, "", "create", "namespace", namespace)
	}
	NewWithT(t).Eventually(func() error { // the ServiceAccount of pods is made by kube-controller-manager
		_, err := c.kubectl(t.Context(), gatedPod, "apply", "-f", "-")
		return err
	}).WithTimeout(time.Minute).Should(Succeed())
	for _, page := range []string{"README.md", "docs/install.md", "docs/upgrade.md", "config/components/README.md"} {
		text, err := os.ReadFile(filepath.Join(controlplane.Root(), filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		found := pastable.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Fatalf("%s has no commands", page)
		}
		for _, one := range found {
			language, block, command := one[1], one[2], one[3]
			if language == "yaml" {
				applyBlock(t, c, block)
			} else if command != "" {
				line, _, _ := strings.Cut(command, "  #")
				runCommand(t, c, page, onThePage.ReplaceAllString(strings.TrimSpace(line), "dist/"))
			}
		}
	}
}

// applyBlock applies objects, or a kustomization with the folders of this repository instead of those of a release.
func applyBlock(t *testing.T, c *cluster, block string) {
	t.Helper()
	if strings.Contains("\n"+block, "\nkind: ") {
		c.must(t, block, "apply", "-f", "-")
		return
	}
	c.must(t, "", "apply", "-k", overlay(t, ofARelease.ReplaceAllString(block, "../$1")))
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
