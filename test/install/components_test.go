package install_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// overlay writes a kustomization as a user would, and returns its folder.
func overlay(t *testing.T, lines string) string {
	t.Helper()
	//nolint:usetesting // a kustomization may only name folders of its own tree
	folder, err := os.MkdirTemp(filepath.Join(controlplane.Root(), "config"), ".overlay-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// components are the names of all, or of those with a prefix.
func components(t *testing.T, prefix string) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(controlplane.Root(), "config", "components", prefix+"*", "kustomization.yaml"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("%d components %s*: %v", len(folders), prefix, err)
	}
	var names []string
	for _, folder := range folders {
		names = append(names, filepath.Base(filepath.Dir(folder)))
	}
	return names
}

// appliedTwice applies a kustomization, and again: nothing differs after that. (What kubectl says of the second apply is no
// measure: a PodDisruptionBudget is always "configured".)
func appliedTwice(t *testing.T, c *cluster, folder string) {
	t.Helper()
	c.must(t, "", "apply", "-k", folder)
	c.must(t, "", "apply", "-k", folder)
	if output, err := c.kubectl(t.Context(), "", "diff", "-k", folder); err != nil {
		t.Errorf("it differs from what was applied: %v: %s", err, output)
	}
}

const accessReview = `
apiVersion: authorization.k8s.io/v1
kind: SubjectAccessReview
spec:
  user: %s
  resourceAttributes: {verb: %s, group: %q, resource: %s}
`

// mayOfKind asks for a resource that need not be installed, of which kubectl auth can-i knows no group.
func mayOfKind(t *testing.T, c *cluster, verb, group, resource string) bool {
	t.Helper()
	review := fmt.Sprintf(accessReview, managerUser, verb, group, resource)
	return c.must(t, review, "create", "-f", "-", "--output=jsonpath={.status.allowed}") == "true"
}

const issued = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: default}
status: {conditions: [{type: Ready, status: "True", reason: Ready}]}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: certificate, namespace: default}
spec: {targetRef: {apiVersion: cert-manager.io/v1, kind: Certificate, name: web}}
`

// The rights to read the kinds of each project reach the manager, whether these kinds are installed or not. A manager that runs
// takes notice of them.
func TestTheTargetsOfProjectsAreSummedUpForTheManager(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	c := startCluster(t)
	c.must(t, "", "apply", "-f", installer)
	c.must(t, "", "apply", "-f", filepath.Join("testdata", "certificates.yaml"))
	manager := startInstalledManager(t, c, "0")
	g.Eventually(func() error { // a CRD is served a moment after it was made
		_, err := c.kubectl(t.Context(), issued, "apply", "-f", "-")
		return err
	}).Should(Succeed())
	shows(t, c, "default", "aliascheck/certificate", "reason", "KindForbidden")

	lines := "resources: [../default]\ncomponents:\n"
	for _, name := range components(t, "targets-") {
		lines += "- ../components/" + name + "\n"
	}
	appliedTwice(t, c, overlay(t, lines))
	theManagerMayRead(t, g, c, components(t, "targets-"))
	shows(t, c, "default", "aliascheck/certificate", "state", "Passing")
	g.Expect(manager.Stop()).To(Succeed())
	for _, call := range c.calls(g) {
		if call.ObjectRef.Resource != "certificates" { // it was tried until the component was there
			g.Expect(call).NotTo(beRefused())
		}
	}
}

// theManagerMayRead the last kind of each component, and no more.
func theManagerMayRead(t *testing.T, g Gomega, c *cluster, components []string) {
	t.Helper()
	var roles rbacv1.ClusterRoleList
	text := c.must(t, "", "get", "clusterroles", "--selector=health.aliascheck.dev/aggregate-to-manager=true", "--output=json")
	g.Expect(json.Unmarshal([]byte(text), &roles)).To(Succeed())
	installed := map[string]rbacv1.PolicyRule{}
	for _, role := range roles.Items {
		installed[role.Name] = role.Rules[len(role.Rules)-1]
	}
	for _, name := range components {
		g.Expect(installed).To(HaveKey("aliascheck-" + name))
		last := installed["aliascheck-"+name]
		may := func(verb string) bool { return mayOfKind(t, c, verb, last.APIGroups[0], last.Resources[0]) }
		g.Eventually(func() bool { return may("watch") }).Should(BeTrue(), "%s: watch %s", name, last.Resources[0])
		g.Expect(may("update")).To(BeFalse(), "%s: update %s", name, last.Resources[0])
	}
	for _, never := range []string{"secrets", "configmaps"} {
		g.Expect(c.may(t.Context(), "get", never)).To(BeFalse(), "get "+never)
	}
}

// A second apply does not undo a variant, and the manager works with it and asks for nothing that it may not.
func TestTheVariantWithoutGatesIsKeptByASecondApply(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	c := startCluster(t)
	c.must(t, "", "apply", "-f", installer)
	c.must(t, "", "delete", "clusterrolebinding", "aliascheck-readiness-gates-rolebinding")
	appliedTwice(t, c, overlay(t, "resources: [../default]\ncomponents: [../components/no-readiness-gates, ../components/network-policy]\n"))
	g.Expect(c.may(t.Context(), "patch", "pods", "--subresource=status")).To(BeFalse())
	c.must(t, "", "get", "networkpolicy", "aliascheck-controller-manager", "--namespace="+systemNamespace)
	g.Eventually(func() bool { return c.may(t.Context(), "watch", "deployments.apps") }).Should(BeTrue(), "roles are aggregated")

	manager := startInstalledManager(t, c, "0")
	c.must(t, "", "create", "namespace", "a")
	gatedIn(t, c, "a")
	passes(t, c, "a")
	g.Expect(manager.Stop()).To(Succeed())
	for _, call := range c.calls(g) {
		g.Expect(call).NotTo(beRefused())
		g.Expect(call.ObjectRef.Resource).NotTo(Equal("pods"), "%+v", call)
	}
}

// A probe may use Secrets where the component was applied, and nowhere else. So it is with ConfigMaps and Jobs.
func TestTheReadersAreOfOneNamespace(t *testing.T) {
	c := startCluster(t)
	c.must(t, "", "apply", "-f", installer)
	for _, one := range []struct{ component, resource, may, mayNot string }{
		{"secret-reader", "secrets", "get", "list"},
		{"configmap-reader", "configmaps", "get", "list"},
		{"job-runner", "jobs.batch", "create", "update"},
	} {
		in := "with-" + one.component
		c.must(t, "", "create", "namespace", in)
		appliedTwice(t, c, overlay(t, fmt.Sprintf("namespace: %s\ncomponents: [../components/%s]\n", in, one.component)))
		NewWithT(t).Eventually(func() bool { return c.may(t.Context(), one.may, one.resource, "--namespace="+in) }).
			WithTimeout(time.Minute).Should(BeTrue(), one.component)
		for verb, namespace := range map[string]string{one.mayNot: in, one.may: "default"} {
			if c.may(t.Context(), verb, one.resource, "--namespace="+namespace) {
				t.Errorf("%s: the manager may %s %s in %s", one.component, verb, one.resource, namespace)
			}
		}
	}
}

const ofATeam = `
namespace: shop
resources: [../default]
components:
- ../components/namespaced
`

// A team has a manager of its own, in its namespace: its ServiceAccount has no right in the cluster but to ask who scrapes.
func TestTheNamespacedVariantHasNoRightInTheCluster(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	c := startCluster(t)
	appliedTwice(t, c, filepath.Join(controlplane.Root(), "config", "components", "namespaced", "cluster"))
	c.must(t, "", "create", "namespace", teamNamespace)
	c.must(t, "", "create", "namespace", "elsewhere")
	appliedTwice(t, c, overlay(t, ofATeam))
	for _, right := range [][]string{
		{"watch", "pods"}, {"watch", "services"}, {"watch", "nodes"}, {"get", "customresourcedefinitions"},
		{"watch", "healthchecks.health.aliascheck.dev"}, {"create", "events.events.k8s.io"},
	} {
		g.Expect(c.mayUser(t.Context(), teamUser, right[0], right[1], "--all-namespaces")).To(BeFalse(), "%v", right)
	}
	manager := startInstalled(t, c, teamNamespace, serviceAccount, "0", "--namespaces="+teamNamespace)
	gatedIn(t, c, "elsewhere")
	gatedIn(t, c, teamNamespace)
	c.must(t, nodeAlias, "apply", "-f", "-")
	passes(t, c, teamNamespace)
	c.must(t, "", "wait", "--namespace="+teamNamespace, "pod/gated", "--timeout=60s", "--for=condition=health.aliascheck.dev/shop")
	shows(t, c, teamNamespace, "aliascheck/node", "reason", "KindForbidden")
	for _, call := range c.calls(g) {
		g.Expect(call).NotTo(beRefused())
	}
	theTeamGivesItsManager(t, g, c)
	g.Expect(manager.Stop()).To(Succeed())
	g.Expect(c.must(t, "", "get", "aliascheck/shop", "--namespace=elsewhere", "--output=jsonpath={.status.state}")).To(Equal("Unknown"))
}

const nodeAlias = `
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: node, namespace: shop}
spec: {targetRef: {kind: Node, name: worker-1}}
`

// theTeamGivesItsManager Secrets, ConfigMaps and Jobs of its namespace, as docs/install.md says, and gives them to no other one.
func theTeamGivesItsManager(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	privateIn(t, c, teamNamespace)
	trustedIn(t, c, teamNamespace)
	c.must(t, jobCheck, "apply", "-f", "-")
	for check, reason := range map[string]string{
		"private": "SecretForbidden", "trusted": "ConfigMapForbidden", "smoke": "JobForbidden",
	} {
		shows(t, c, teamNamespace, "healthcheck/"+check, "reason", reason)
	}
	appliedTwice(t, c, overlay(t, ofATeam+`
- ../components/secret-reader
- ../components/configmap-reader
- ../components/job-runner
`))
	shows(t, c, teamNamespace, "healthcheck/private", "state", "Passing")
	shows(t, c, teamNamespace, "healthcheck/trusted", "state", "Passing")
	c.must(t, "", "delete", "healthcheck/smoke", "--namespace="+teamNamespace) // rather than wait for the next minute
	aJobPasses(t, g, c)
	for _, resource := range []string{"secrets", "configmaps", "jobs.batch"} {
		for _, verb := range []string{"get", "create"} {
			g.Expect(c.may(t.Context(), verb, resource, "--namespace="+teamNamespace)).To(BeFalse(), "%s %s: it is the cluster's manager", verb, resource)
			g.Expect(c.mayUser(t.Context(), teamUser, verb, resource, "--namespace=elsewhere")).To(BeFalse(), "%s %s", verb, resource)
		}
	}
}

const checkWithAuthorities = `
apiVersion: v1
kind: ConfigMap
metadata: {name: authorities, namespace: %[1]s}
data: {ca.crt: %[3]q}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: trusted, namespace: %[1]s}
spec: {interval: 1s, http: {url: %[2]q, tls: {caConfigMapRef: {name: authorities, key: ca.crt}}}}
`

// trustedIn makes a HealthCheck that passes with the authorities that a ConfigMap has.
func trustedIn(t *testing.T, c *cluster, namespace string) {
	t.Helper()
	web := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(web.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	c.must(t, fmt.Sprintf(checkWithAuthorities, namespace, web.URL, authority), "apply", "-f", "-")
}

const sharded = `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: web, namespace: sharded, labels: {sharding.health.aliascheck.dev/key: a}}
spec: {interval: 1s, http: {url: %q}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: shop, namespace: sharded, labels: {sharding.health.aliascheck.dev/key: a}}
spec: {targetRef: {name: web}}
`

// A shard is one more Deployment beside the installation, whose manager has a lease of its own, and may all that it needs.
func TestAShardIsInstalledBesideTheInstallation(t *testing.T) {
	g := NewWithT(t)
	c := startCluster(t)
	c.must(t, "", "apply", "-f", installer)
	appliedTwice(t, c, overlay(t, `
resources: [../default]
components: [../components/no-readiness-gates, ../components/shard]
nameSuffix: -a
labels:
- pairs: {sharding.health.aliascheck.dev/key: a}
  includeSelectors: true
  includeTemplates: true
`))
	c.must(t, "", "get", "serviceaccount/aliascheck-controller-manager", "deployment/aliascheck-controller-manager",
		"poddisruptionbudget/aliascheck-controller-manager-a", "--namespace="+systemNamespace)
	pod := "--output=jsonpath={.spec.template.spec.serviceAccountName} {.spec.template.metadata.labels.sharding\\.health\\.aliascheck\\.dev/key}"
	g.Expect(c.must(t, "", "get", "deployment", "aliascheck-controller-manager-a", "--namespace="+systemNamespace, pod)).
		To(Equal("aliascheck-controller-manager a"))

	manager := startInstalled(t, c, systemNamespace, "aliascheck-controller-manager-a", "0", "--shard=a") // the kubelet expands $(SHARD)
	c.must(t, "", "create", "namespace", "sharded")
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(web.Close)
	c.must(t, fmt.Sprintf(sharded, web.URL), "apply", "-f", "-")
	passes(t, c, "sharded")
	c.must(t, "", "get", "lease", "a.manager.health.aliascheck.dev", "--namespace="+systemNamespace)
	g.Expect(manager.Stop()).To(Succeed())
	for _, call := range c.calls(g) {
		g.Expect(call).NotTo(beRefused())
	}
}
