package monitoring

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

const patience = time.Minute

// namespaceOfTheManager is where config/monitoring puts its objects.
const namespaceOfTheManager = "aliascheck-system"

func TestThePrometheusOperatorTakesTheObjects(t *testing.T) {
	plane := startPlane(t, controlplane.Options{Bare: true})
	crds, err := controlplane.PrometheusOperatorCRDs()
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, plane, "", "apply", "--server-side", "--filename", crds)
	kubectl(t, plane, "", "create", "namespace", namespaceOfTheManager)
	NewWithT(t).Eventually(func() error { // a CRD that has no conditions yet is an error to kubectl wait
		wait, err := plane.Kubectl(t.Context(), nil, "wait", "--for=condition=Established", "crd/servicemonitors.monitoring.coreos.com",
			"crd/prometheusrules.monitoring.coreos.com", "--timeout=60s")
		if err != nil {
			return err
		}
		return wait.Run()
	}, patience).Should(Succeed())
	kubectl(t, plane, "", "apply", "--validate=strict", "--kustomize", folder)

	var stored struct {
		Spec ruleFile `json:"spec"`
	}
	object := kubectl(t, plane, "", "get", "-n", namespaceOfTheManager, "prometheusrule/aliascheck", "--output=json")
	if err := json.Unmarshal([]byte(object), &stored); err != nil {
		t.Fatal(err)
	}
	var rules ruleFile
	read(t, "rules.yaml", &rules)
	NewWithT(t).Expect(stored.Spec).To(Equal(rules), "run make generate")
}

// The ServiceMonitor and the scrape configuration must find the Service that is installed.
func TestTheInstalledServiceIsWhatIsScraped(t *testing.T) {
	g := NewWithT(t)
	var monitor struct {
		Spec struct {
			Selector struct {
				MatchLabels map[string]string `json:"matchLabels"`
			} `json:"selector"`
			Endpoints []struct {
				Port string `json:"port"`
			} `json:"endpoints"`
		} `json:"spec"`
	}
	manifests, err := os.ReadFile(filepath.Join(folder, "servicemonitor.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	_, last, several := strings.Cut(string(manifests), "apiVersion: monitoring.coreos.com/")
	g.Expect(several).To(BeTrue(), "the file has a ServiceMonitor, and what it needs before it")
	g.Expect(yaml.Unmarshal([]byte("apiVersion: "+last), &monitor)).To(Succeed())
	service := installedService(t)
	for label, value := range monitor.Spec.Selector.MatchLabels {
		g.Expect(service.Metadata.Labels).To(HaveKeyWithValue(label, value))
	}
	g.Expect(monitor.Spec.Endpoints).To(HaveLen(1))
	g.Expect(service.Spec.Ports).To(ConsistOf(HaveField("Name", monitor.Spec.Endpoints[0].Port)))
	config, err := os.ReadFile(filepath.Join(folder, "prometheus.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(config)).To(ContainSubstring("regex: " + service.Metadata.Name + "\n"))
}

// installed is an object of dist/install.yaml, as far as it is read here.
type installed struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Ports []struct {
			Name string `json:"name"`
		} `json:"ports"`
	} `json:"spec"`
}

func installedService(t *testing.T) installed {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(controlplane.Root(), "dist", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var object installed
		if err := yaml.Unmarshal([]byte(document), &object); err == nil && object.Kind == "Service" {
			return object
		}
	}
	t.Fatal("dist/install.yaml has no Service")
	return installed{}
}

const checks = `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: web, namespace: default}
spec: {interval: 1s, http: {url: %q}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: "off", namespace: default}
spec: {suspend: true, http: {url: "http://localhost"}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: encrypted, namespace: default}
spec: {interval: 1s, http: {url: %q, tls: {insecureSkipVerify: true}}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: elsewhere, namespace: default, labels: {sharding.health.aliascheck.dev/key: elsewhere}}
spec: {http: {url: "http://localhost"}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: shop, namespace: default, labels: {team: cart}}
spec: {targetRef: {name: web}}
`

// metricName finds the names of metrics in PromQL, by the prefixes of their sources.
var metricName = regexp.MustCompile(`\b(?:aliascheck|leader_election|controller_runtime|workqueue|rest_client|process)_[a-z_]+`)

func TestEveryMetricOfAlertsAndDashboardIsServed(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(patience)
	plane := startPlane(t, controlplane.Options{})
	manager, err := blackbox.Start(plane.Kubeconfig, "--leader-elect", "--leader-election-namespace=default",
		"--metric-labels-allowlist=aliaschecks=[team]")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(manager.Stop()).To(Succeed()) })
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(web.Close)
	encrypted := httptest.NewTLSServer(web.Config.Handler)
	t.Cleanup(encrypted.Close)
	kubectl(t, plane, fmt.Sprintf(checks, web.URL, encrypted.URL), "apply", "--filename", "-")

	asked := map[string]bool{}
	for _, rule := range allRules(t) {
		g.Expect(collect(asked, rule.Expr)).NotTo(BeZero(), rule.Expr)
	}
	for _, expression := range expressions(t) {
		g.Expect(collect(asked, expression)).NotTo(BeZero(), expression)
	}
	for name := range asked {
		g.Eventually(seriesOf(t, manager)).Should(HaveKey(name))
	}
	g.Expect(manager.Metrics(t.Context())).To(ContainSubstring(
		`aliascheck_labels{kind="AliasCheck",label_team="cart",name="shop",namespace="default"} 1`))
}

func collect(names map[string]bool, expression string) int {
	found := metricName.FindAllString(expression, -1)
	for _, name := range found {
		names[name] = true
	}
	return len(found)
}

// seriesOf are the names of all series that a manager serves, with the suffixes of histograms.
func seriesOf(t *testing.T, manager *blackbox.Manager) func() (map[string]bool, error) {
	t.Helper()
	return func() (map[string]bool, error) {
		body, err := manager.Metrics(t.Context())
		names := map[string]bool{}
		for line := range strings.Lines(body) {
			name, _, _ := strings.Cut(line, "{")
			name, _, _ = strings.Cut(name, " ")
			names[name] = true
		}
		return names, err
	}
}

func startPlane(t *testing.T, options controlplane.Options) *controlplane.ControlPlane {
	t.Helper()
	plane, err := controlplane.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	return plane
}

func kubectl(t *testing.T, plane *controlplane.ControlPlane, stdin string, args ...string) string {
	t.Helper()
	command, err := plane.Kubectl(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, output)
	}
	return string(output)
}
