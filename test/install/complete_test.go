package install_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

// complete is an installation with every component that adds something to run, or holds what runs.
const complete = `
resources: [../default]
components:
- ../components/job-probes
- ../components/monitoring
- ../components/metrics-certificate
- ../components/network-policy
- ../components/admission-policy
- ../components/wallboard
`

// What components add is kept by a second apply. The manager and the wallboard work with all of it as their ServiceAccounts,
// and ask for nothing that they may not.
func TestACompleteInstallationIsKeptByASecondApplyAndWorks(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	c := startCluster(t)
	knowsMonitoring(t, g, c)
	appliedTwice(t, c, overlay(t, complete))
	podsAreAdmitted(t, g, c, 3)

	folder, metricsAddress := t.TempDir(), freeAddress(t)
	trusted, err := blackbox.WriteCertificate(folder)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(installedArguments(t, c, serviceAccount)).To(ContainElement(HavePrefix("--metrics-cert-path=")))
	manager := startInstalledManager(t, c, metricsAddress, "--metrics-cert-path="+folder)
	c.must(t, "", "create", "namespace", "shop")
	gatedIn(t, c, "shop")
	passes(t, c, "shop")
	c.must(t, "", "wait", "--namespace=shop", "pod/gated", "--timeout=60s", "--for=condition=health.aliascheck.dev/shop")
	aJobPasses(t, g, c)
	g.Eventually(blackbox.Handshake(t.Context(), metricsAddress, trusted)).Should(Succeed())
	theWallboardShows(t, g, c, "shop", "Passing")
	g.Expect(manager.Stop()).To(Succeed())
	for _, call := range c.calls(g) {
		g.Expect(call).NotTo(beRefused())
	}
}

// knowsMonitoring installs the CRDs of what the component monitoring has.
func knowsMonitoring(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	crds, err := controlplane.PrometheusOperatorCRDs()
	if err != nil {
		t.Fatal(err)
	}
	c.must(t, "", "apply", "--server-side", "--filename", crds)
	// A CRD that has no conditions yet is an error to kubectl wait.
	g.Eventually(func() (string, error) {
		return c.kubectl(t.Context(), "", "wait", "--for=condition=Established", "crd/servicemonitors.monitoring.coreos.com",
			"crd/prometheusrules.monitoring.coreos.com", "--timeout=60s")
	}).WithTimeout(time.Minute).ShouldNot(BeEmpty())
}

const jobCheck = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: smoke, namespace: shop}
spec:
  schedule: "@yearly"
  suspend: true
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: smoke, image: "smoke:1"}]}}}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: smoke, namespace: shop}
spec: {interval: 1m, timeout: 1m, job: {cronJobRef: {name: smoke}}}
`

// aJobPasses needs no RoleBinding in its namespace. No kubelet runs its pod, so its end is written here.
func aJobPasses(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	c.must(t, jobCheck, "apply", "-f", "-")
	var pod string
	g.Eventually(func() (err error) {
		pod, err = c.kubectl(t.Context(), "", "get", "pods", "--namespace=shop", "--selector=batch.kubernetes.io/job-name",
			"--output=jsonpath={.items[0].metadata.name}")
		return err
	}).Should(Succeed())
	c.must(t, "", "patch", "pod", pod, "--namespace=shop", "--subresource=status", "--type=merge",
		`--patch={"status": {"phase": "Succeeded"}}`)
	c.must(t, "", "wait", "--namespace=shop", "healthcheck/smoke", "--timeout=60s", "--for=jsonpath={.status.state}=Passing")
}

// shown is what the page of the wallboard is told.
type shown struct {
	Trees           []struct{ Name, State string }
	Problems, Notes []string
}

// theWallboardShows runs the plugin as the installed wallboard does, with its arguments and as its ServiceAccount. It shows
// an alias, and misses nothing to show it whole.
func theWallboardShows(t *testing.T, g Gomega, c *cluster, alias, state string) {
	t.Helper()
	stream := bufio.NewScanner(openedStream(t, g, c))
	stream.Buffer(nil, 1<<20)
	last := ""
	for stream.Scan() {
		data, isData := strings.CutPrefix(stream.Text(), "data: ")
		if !isData {
			continue
		}
		var s shown
		g.Expect(json.Unmarshal([]byte(data), &s)).To(Succeed())
		complete := len(s.Problems) == 0 && len(s.Notes) == 0
		if complete && len(s.Trees) == 1 && s.Trees[0].Name == alias && s.Trees[0].State == state {
			return
		}
		last = data
	}
	t.Errorf("the wallboard has not shown %s as %s, but %s: %v", alias, state, last, stream.Err())
}

func openedStream(t *testing.T, g Gomega, c *cluster) *bufio.Reader {
	t.Helper()
	plugin, err := blackbox.Build("kubectl-aliascheck-race", "./cmd/kubectl-aliascheck", "-race")
	g.Expect(err).NotTo(HaveOccurred())
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	arguments := append(installedArguments(t, c, wallboard), "--listen=127.0.0.1:0", "--kubeconfig="+c.tokenKubeconfig(t, systemNamespace, wallboard))
	for i := range arguments { // the kubelet does this
		arguments[i] = strings.ReplaceAll(arguments[i], "$(NAMESPACE)", systemNamespace)
	}
	command := exec.CommandContext(ctx, plugin, arguments...)
	out, err := command.StdoutPipe()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() { end(); _ = command.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	g.Expect(err).NotTo(HaveOccurred())
	address, _, _ := strings.Cut(line, " ")

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"api/stream", http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := http.DefaultClient.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = response.Body.Close() })
	g.Expect(response).To(HaveHTTPStatus(http.StatusOK))
	return bufio.NewReader(response.Body)
}
