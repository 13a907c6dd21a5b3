package install_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// An installation may be narrowed: to no readiness gates at all, or to some namespaces. What it then has no right to, it
// must not ask for: each refusal would be a line in its log, and a watch that is tried again without end.
func TestANarrowedManagerAsksForNothingThatItMayNot(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	c := startCluster(t)
	c.must(t, "", "apply", "-f", installer)
	g.Eventually(func() bool { return c.may(t.Context(), "watch", "deployments.apps") }).Should(BeTrue(), "roles are aggregated")
	for _, namespace := range []string{"a", "b", "elsewhere"} {
		c.must(t, "", "create", "namespace", namespace)
	}
	withoutGates(t, g, c)
	inTwoNamespaces(t, g, c)
}

// withoutGates: with --readiness-gates=false pods are neither read nor written, and the binding is not needed.
func withoutGates(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	c.must(t, "", "delete", "clusterrolebinding", "aliascheck-readiness-gates-rolebinding")
	g.Eventually(func() bool { return c.may(t.Context(), "patch", "pods", "--subresource=status") }).Should(BeFalse())
	manager := startInstalledManager(t, c, "0", "--readiness-gates=false")
	gatedIn(t, c, "a")
	passes(t, c, "a")
	g.Expect(manager.Stop()).To(Succeed())

	for _, call := range c.calls(g) {
		g.Expect(call).NotTo(beRefused())
		g.Expect(call.ObjectRef.Resource).NotTo(Equal("pods"), "%+v", call)
	}
	g.Expect(c.must(t, "", "get", "pod/gated", "--namespace=a", "--output=jsonpath={.status.conditions}")).
		NotTo(ContainSubstring("health.aliascheck.dev"))
}

// inTwoNamespaces: with --namespaces the rights in those are enough, and that to read Nodes, which are in none: what
// docs/install.md says under "In some namespaces only".
func inTwoNamespaces(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	before := len(c.calls(g))
	for _, binding := range []string{"manager", "target-reader"} { // that of the gates is gone
		c.must(t, "", "delete", "clusterrolebinding", "aliascheck-"+binding+"-rolebinding")
	}
	const account = "--serviceaccount=" + systemNamespace + ":" + serviceAccount
	for _, namespace := range []string{"a", "b"} {
		for _, role := range []string{"manager", "target-reader", "readiness-gates"} {
			c.must(t, "", "create", "rolebinding", "aliascheck-"+role, "--namespace="+namespace,
				"--clusterrole=aliascheck-"+role+"-role", account)
		}
	}
	c.must(t, "", "create", "clusterrole", "aliascheck-nodes", "--verb=list,watch", "--resource=nodes")
	c.must(t, "", "create", "clusterrolebinding", "aliascheck-nodes", "--clusterrole=aliascheck-nodes", account)
	g.Eventually(func() bool { return c.may(t.Context(), "watch", "pods", "--namespace=elsewhere") }).Should(BeFalse())
	g.Eventually(func() bool { return c.may(t.Context(), "watch", "pods", "--namespace=b") }).Should(BeTrue())

	gatedIn(t, c, "elsewhere")
	manager := startInstalledManager(t, c, "0", "--namespaces=a,b")
	gatedIn(t, c, "b")
	for _, namespace := range []string{"a", "b"} {
		passes(t, c, namespace)
		c.must(t, "", "wait", "--namespace="+namespace, "pod/gated", "--timeout=60s", "--for=condition=health.aliascheck.dev/shop")
	}
	g.Expect(manager.Stop()).To(Succeed())

	read := map[string]bool{}
	for _, call := range c.calls(g)[before:] {
		g.Expect(call).NotTo(beRefused())
		if call.ObjectRef.Resource == "pods" {
			read[call.ObjectRef.Namespace] = true
		}
	}
	g.Expect(read).To(Equal(map[string]bool{"a": true, "b": true}), "namespaces whose pods it has asked for")
}

const gatedOnCheck = `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: web, namespace: %[1]s}
spec: {interval: 1s, http: {url: %[2]q}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: shop, namespace: %[1]s}
spec: {targetRef: {name: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: gated, namespace: %[1]s}
spec:
  readinessGates: [{conditionType: health.aliascheck.dev/shop}]
  containers: [{name: web, image: registry.example.com/web:1}]
`

// gatedIn makes a HealthCheck that passes, its alias, and a pod that is gated on it.
func gatedIn(t *testing.T, c *cluster, namespace string) {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(web.Close)
	c.must(t, fmt.Sprintf(gatedOnCheck, namespace, web.URL), "apply", "-f", "-")
}

func passes(t *testing.T, c *cluster, namespace string) {
	t.Helper()
	c.must(t, "", "wait", "--namespace="+namespace, "aliascheck/shop", "--timeout=60s", "--for=jsonpath={.status.state}=Passing")
}
