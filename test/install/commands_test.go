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

// pagesToBeginWith are those whose commands are run.
var pagesToBeginWith = []string{"README.md", "docs/install.md", "docs/upgrade.md", "config/components/README.md"}

// pastable is what somebody may paste from a page: a fenced block in a language; a command line, which is indented by four
// spaces and goes on behind a backslash; or a command in the text, of three words or more: two are the name of a tool.
var pastable = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$|^    (\\S(?:[^\n\\\\]|\\\\\n)*)|`((?:kubectl|make) [\\w-]+ [^`]+)`")

// What a page names of a release: a folder as kustomize finds it on GitHub, a file of the release's page, and one of its source.
var (
	ofARelease = regexp.MustCompile(`https://github\.com/aliascheck/aliascheck//config/([^\s?]+)\?ref=v[\w.-]+`)
	onThePage  = regexp.MustCompile(`https://github\.com/aliascheck/aliascheck/releases/download/v[^/]+/`)
	atTheTag   = regexp.MustCompile(`https://raw\.githubusercontent\.com/aliascheck/aliascheck/v[^/]+/`)
)

// theReadme is what runs the two minutes of the README, on a node.
const theReadme = "test/realnode: readme"

// elsewhere are the commands that are not run here, and what runs them.
var elsewhere = map[string]string{
	"make run":                            "hack/demo: it is a program of its own",
	"make run DEMO_FOR=30s":               ".ci/run",
	"make test":                           "it is what runs this",
	"make test-fast":                      "it runs what needs no API server, of the same tests",
	"make test-compat KUBERNETES=v1.34.4": "it runs this, with an older API server",
	"kubectl -n aliascheck-system rollout status deployment/aliascheck-controller-manager":            theReadme,
	"kubectl wait --for=condition=Ready aliascheck/cart-needs-shop --timeout=60s":                     theReadme,
	"kubectl wait --for=jsonpath='{.status.state}'=Critical aliascheck/cart-needs-shop --timeout=60s": theReadme,
	"kubectl delete -f dist/install.yaml":                                                             "deletesInTime, test/uninstall",
	"kubectl apply -k":                                                                                "applyBlock, of each kustomization",
	"kubectl aliascheck ui":                                                                           "test/plugin",
	"kubectl aliascheck doctor":                                                                       "test/plugin",
}

// Every command of the pages that people begin with is run, and every object and kustomization applied, in their order, on one
// control plane. What has no language is output, but for the lines of it that begin with a prompt. Those of helm are run where
// that is built: chart_test.go.
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
	for _, page := range pagesToBeginWith {
		for _, one := range pasted(t, page) {
			switch {
			case one.language == "yaml":
				applyBlock(t, c, one.block)
			case one.block != "":
				runTranscript(t, c, page, one.block)
			case !strings.HasPrefix(one.command, "helm "):
				runCommand(t, c, page, one.command)
			}
		}
	}
}

// pastedText is a block of a page, in a language or in none, or a command.
type pastedText struct{ language, block, command string }

// pasted is what somebody pastes from a page, in its order; its commands are those of a clone.
func pasted(t *testing.T, page string) []pastedText {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(controlplane.Root(), filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	var all []pastedText
	for _, found := range pastable.FindAllStringSubmatch(string(text), -1) {
		command, _, _ := strings.Cut(found[3]+found[4], "  #")
		all = append(all, pastedText{found[1], found[2], inAClone(strings.TrimSpace(command))})
	}
	if len(all) == 0 {
		t.Fatalf("%s has no commands", page)
	}
	return all
}

// inAClone is a command with the files of this repository.
func inAClone(command string) string {
	command = ofARelease.ReplaceAllString(command, "config/$1")
	command = onThePage.ReplaceAllString(command, "dist/")
	return atTheTag.ReplaceAllString(command, "")
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
	if strings.HasPrefix(line, "make build-installer ") {
		buildInstaller(t, line)
		return
	}
	if !strings.HasPrefix(line, "kubectl ") {
		t.Errorf("%s: no test runs %q: run it here, or say in `elsewhere` what does", page, line)
		return
	}
	// What was applied a moment ago, a CRD say, may not be served yet.
	NewWithT(t).Eventually(func(g Gomega) {
		output, err := c.shell(t, line)
		g.Expect(err).NotTo(HaveOccurred(), "%s: %s: %s", page, line, output)
	}).WithTimeout(30 * time.Second).WithPolling(time.Second).Should(Succeed())
}

// shell runs a line as somebody does at the root of a clone, with this cluster as the current one, and returns what it prints.
func (c *cluster) shell(t *testing.T, line string) (string, error) {
	t.Helper()
	kubectl, err := controlplane.Binary("kubectl")
	if err != nil {
		t.Fatal(err)
	}
	programs := "kubectl() { " + kubectl + ` "$@"; }; helm() { bin/helm "$@"; }` + "\n"
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", programs+line)
	shell.Dir = controlplane.Root()
	home := t.TempDir() // nothing of whoever runs this
	shell.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	output, err := shell.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

// buildInstaller runs a line that writes dist/install.yaml for an image, in a copy of what it needs.
func buildInstaller(t *testing.T, line string) {
	t.Helper()
	tree := t.TempDir()
	copied := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c",
		"tar --exclude='.*' -cf - Makefile config hack/release | tar -xf - -C "+tree+" && cd "+tree+" && "+line)
	copied.Dir = controlplane.Root()
	if output, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, output)
	}
	text, err := os.ReadFile(filepath.Join(tree, "dist", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, image, _ := strings.Cut(line, "IMG=")
	NewWithT(t).Expect(string(text)).To(ContainSubstring("image: "+image+"\n"), line)
}

// inATranscript is a command behind its prompt, with what it prints.
var inATranscript = regexp.MustCompile(`(?m)^\$ (.*)\n((?:[^$].*\n)*)`)

// runTranscript runs the commands behind a prompt: each prints what stands there. A remark behind one says what happened before.
func runTranscript(t *testing.T, c *cluster, page, block string) {
	t.Helper()
	for _, found := range inATranscript.FindAllStringSubmatch(block, -1) {
		line, remark, _ := strings.Cut(found[1], "  #")
		switch strings.TrimSpace(remark) {
		case "repaired meanwhile":
			repaired(t, c)
		case "":
		default:
			t.Errorf("%s: no test knows %q", page, remark)
		}
		output, _ := c.shell(t, line) // an error is printed
		NewWithT(t).Expect(output).To(Equal(strings.TrimSpace(found[2])), "%s: %s: %s", page, line, output)
	}
}

const passing = `{"status": {"state": "Passing", "observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "reason": "ProbeSucceeded", "message": "200 OK",
	"lastTransitionTime": "2026-01-01T00:00:00Z"}]}}`

// repaired is what a manager shows of the first two checks of the README when all is well: none runs here.
func repaired(t *testing.T, c *cluster) {
	t.Helper()
	for _, check := range []string{"healthcheck/web", "aliascheck/cart-needs-web"} {
		c.must(t, "", "patch", check, "--subresource=status", "--type=merge", "--patch="+passing)
	}
}
