package install_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

var installer = filepath.Join(controlplane.Root(), "dist", "install.yaml")

var secretReader = filepath.Join(controlplane.Root(), "config", "components", "secret-reader")

// deletionBound is what a user may have to wait for `kubectl delete -f` (I10).
const deletionBound = 30 * time.Second

func TestI10TheInstalledManagerWorksAsItsServiceAccountAndLeavesWithoutHanging(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	g.SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	c := startCluster(t)

	c.must(t, "", "apply", "-f", installer)
	podsAreAdmitted(t, g, c, 2)
	rightsAreLeast(t, g, c)
	c.must(t, "", "apply", "-f", installer) // an upgrade must not take the aggregated rights away
	g.Expect(c.may(t.Context(), "watch", "deployments.apps")).To(BeTrue(), "after applying again")
	checksAreForThoseWhoMayViewOrEdit(t, g, c)

	metricsAddress := freeAddress(t)
	manager := startInstalledManager(t, c, metricsAddress)
	aliasFollowsBothWays(t, g, c)
	aGatedPodFollowsItsAlias(t, c)
	metricsAreForThoseWhoMayReadThem(t, g, c, metricsAddress)
	nothingWasRefused(g, c, manager)
	secretsAreReadWhereTheOptionalRoleIs(t, c)

	deletesInTime(t, g, c)
}

// podsAreAdmitted: so many pods pass the restricted pod security profile.
func podsAreAdmitted(t *testing.T, g Gomega, c *cluster, pods int) {
	t.Helper()
	g.Eventually(func() ([]string, error) {
		names, err := c.kubectl(t.Context(), "", "get", "pods", "--namespace="+systemNamespace, "--output=name", "--no-headers")
		return strings.Fields(names), err
	}).Should(HaveLen(pods))
}

func rightsAreLeast(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	ctx := t.Context()
	for _, resource := range []string{
		"deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch",
		"pods", "persistentvolumeclaims", "services",
	} {
		g.Eventually(func() bool { return c.may(ctx, "watch", resource) }).Should(BeTrue(), "watch "+resource)
		g.Expect(c.may(ctx, "update", resource)).To(BeFalse(), "update "+resource)
		g.Expect(c.may(ctx, "delete", resource)).To(BeFalse(), "delete "+resource)
	}
	for _, never := range []string{"secrets", "configmaps"} {
		g.Expect(c.may(ctx, "get", never)).To(BeFalse(), "get "+never)
		g.Expect(c.may(ctx, "list", never)).To(BeFalse(), "list "+never)
	}
	g.Expect(c.may(ctx, "update", "healthchecks.health.aliascheck.dev")).To(BeFalse(), "specs are the users'")
	g.Expect(c.may(ctx, "update", "leases.coordination.k8s.io/another", "--namespace="+systemNamespace)).To(BeFalse())
	g.Expect(c.may(ctx, "create", "pods")).To(BeFalse())
	g.Expect(c.may(ctx, "create", "jobs.batch")).To(BeFalse(), "Jobs are run where a namespace lets it")
	g.Expect(c.may(ctx, "create", "events.events.k8s.io")).To(BeTrue())
	g.Expect(c.may(ctx, "patch", "events.events.k8s.io")).To(BeFalse(), "an Event is written once")
}

// checksAreForThoseWhoMayViewOrEdit asks for users who have nothing but one of the cluster's own roles in a namespace.
func checksAreForThoseWhoMayViewOrEdit(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	for role, writes := range map[string]bool{"view": false, "edit": true, "admin": true} {
		c.must(t, "", "create", "rolebinding", role, "--namespace=default", "--clusterrole="+role, "--user=one-to-"+role)
		may := func(verb, resource, namespace string, more ...string) bool {
			return c.mayUser(t.Context(), "one-to-"+role, verb, resource, append(more, "--namespace="+namespace)...)
		}
		for _, resource := range []string{"healthchecks.health.aliascheck.dev", "aliaschecks.health.aliascheck.dev"} {
			// The roles are aggregated by kube-controller-manager, in its own time.
			for _, verb := range []string{"get", "list", "watch"} {
				g.Eventually(func() bool { return may(verb, resource, "default") }).Should(BeTrue(), "%s: %s %s", role, verb, resource)
			}
			for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
				g.Eventually(func() bool { return may(verb, resource, "default") }).
					Should(Equal(writes), "%s: %s %s", role, verb, resource)
			}
			for _, verb := range []string{"update", "patch"} {
				g.Expect(may(verb, resource, "default", "--subresource=status")).To(BeFalse(), "a status is the manager's")
			}
			g.Expect(may("get", resource, systemNamespace)).To(BeFalse(), "in another namespace")
		}
	}
}

// startInstalledManager runs the built manager with the arguments of the installed Deployment. What is added
// is only what a process outside of a pod needs: where the API server is, ports of its own, loopback to probe.
// Further flags win over these.
func startInstalledManager(t *testing.T, c *cluster, metricsAddress string, further ...string) *blackbox.Manager {
	t.Helper()
	return startInstalled(t, c, systemNamespace, serviceAccount, metricsAddress, further...)
}

// startInstalled starts the manager of a Deployment, as the ServiceAccount of its pods.
func startInstalled(
	t *testing.T, c *cluster, namespace, deployment, metricsAddress string, further ...string,
) *blackbox.Manager {
	t.Helper()
	pod := installedPod(t, c, namespace, deployment)
	flags := append(pod.Containers[0].Args,
		"--leader-election-namespace="+namespace,
		"--health-probe-bind-address=0",
		"--metrics-bind-address="+metricsAddress,
	)
	flags = append(flags, further...)
	manager, err := blackbox.Start(c.tokenKubeconfig(t, namespace, pod.ServiceAccountName), flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Its rights have been deleted under it, so it may have lost its lease and ended by itself.
		_ = manager.Stop()
		if t.Failed() {
			t.Logf("the manager said:\n%s", manager.Log())
		}
	})
	return manager
}

// installedArguments are those of the container of an installed Deployment.
func installedArguments(t *testing.T, c *cluster, deployment string) []string {
	t.Helper()
	return installedPod(t, c, systemNamespace, deployment).Containers[0].Args
}

func installedPod(t *testing.T, c *cluster, namespace, deployment string) corev1.PodSpec {
	t.Helper()
	var pod corev1.PodSpec
	text := c.must(t, "", "get", "deployment", deployment, "--namespace="+namespace, "--output=jsonpath={.spec.template.spec}")
	if err := json.Unmarshal([]byte(text), &pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

const checks = `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: web, namespace: default}
spec: {interval: 1s, failureThreshold: 1, http: {url: %q}}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: shop, namespace: default}
spec: {targetRef: {name: web}}
`

func aliasFollowsBothWays(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	var broken atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(web.Close)

	c.must(t, fmt.Sprintf(checks, web.URL), "apply", "-f", "-")
	for _, step := range []struct {
		broken bool
		state  string
	}{{false, "Passing"}, {true, "Critical"}, {false, "Passing"}} {
		broken.Store(step.broken)
		c.must(t, "", "wait", "--namespace=default", "aliascheck/shop", "--timeout=60s",
			"--for=jsonpath={.status.state}="+step.state)
	}
	c.must(t, "", "wait", "--namespace=default", "healthcheck/web", "aliascheck/shop", "--for=condition=Ready", "--timeout=60s")
	g.Eventually(func() (string, error) {
		return c.kubectl(t.Context(), "", "get", "events", "--namespace=default", "--output=jsonpath={.items[*].reason}")
	}).Should(ContainSubstring("StateChanged"), "events are written too")
}

const gatedPod = `
apiVersion: v1
kind: Pod
metadata: {name: gated, namespace: default}
spec:
  readinessGates: [{conditionType: health.aliascheck.dev/shop}]
  containers: [{name: web, image: registry.example.com/web:1}]
`

// aGatedPodFollowsItsAlias comes after aliasFollowsBothWays, whose alias is Passing at its end.
func aGatedPodFollowsItsAlias(t *testing.T, c *cluster) {
	t.Helper()
	c.must(t, gatedPod, "apply", "-f", "-")
	c.must(t, "", "wait", "--namespace=default", "pod/gated", "--for=condition=health.aliascheck.dev/shop", "--timeout=60s")
	pointAt := func(target string) {
		t.Helper()
		patch := fmt.Sprintf(`{"spec": {"targetRef": {"name": %q}}}`, target)
		c.must(t, "", "patch", "--namespace=default", "aliascheck/shop", "--type=merge", "--patch="+patch)
	}
	pointAt("nothing")
	c.must(t, "", "wait", "--namespace=default", "pod/gated", "--for=condition=health.aliascheck.dev/shop=False", "--timeout=60s")
	pointAt("web")
	c.must(t, "", "wait", "--namespace=default", "pod/gated", "--for=condition=health.aliascheck.dev/shop", "--timeout=60s")
}

func metricsAreForThoseWhoMayReadThem(t *testing.T, g Gomega, c *cluster, address string) {
	t.Helper()
	c.must(t, "", "create", "serviceaccount", "scraper", "--namespace=default")
	token := c.must(t, "", "create", "token", "scraper", "--namespace=default")
	g.Expect(scrape(t, address, "")).To(Equal(http.StatusUnauthorized), "nobody")
	g.Expect(scrape(t, address, token)).To(Equal(http.StatusForbidden), "somebody without the right")
	c.must(t, "", "create", "clusterrolebinding", "scraper", "--clusterrole=aliascheck-metrics-reader",
		"--serviceaccount=default:scraper")
	// The manager remembers a refusal for a while, by token.
	another := c.must(t, "", "create", "token", "scraper", "--namespace=default", "--duration=2h")
	g.Eventually(func() int { return scrape(t, address, another) }).Should(Equal(http.StatusOK))
}

// scrape is the status code of /metrics; 0 is no answer.
func scrape(t *testing.T, address, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// The certificate is made up by the manager at its start.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Log(err)
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// nothingWasRefused reads the API server's own record: the manager was seen to do its job, and no call of it
// was answered with 401 or 403.
func nothingWasRefused(g Gomega, c *cluster, manager *blackbox.Manager) {
	done := map[string]bool{}
	for _, call := range c.calls(g) {
		g.Expect(call).NotTo(beRefused())
		done[call.Verb+" "+call.ObjectRef.Resource+"/"+call.ObjectRef.Subresource] = true
	}
	for _, needed := range []string{
		"watch healthchecks/", "watch aliaschecks/", "update healthchecks/status", "update aliaschecks/status",
		"watch pods/", "patch pods/status",
		"create events/", "create leases/", "update leases/", "create tokenreviews/", "create subjectaccessreviews/",
	} {
		g.Expect(done).To(HaveKey(needed))
	}
	g.Expect(manager.Log()).NotTo(Or(ContainSubstring("forbidden"), ContainSubstring("Unauthorized")))
}

func beRefused() gomegatypes.GomegaMatcher {
	return HaveField("ResponseStatus.Code", BeElementOf(http.StatusUnauthorized, http.StatusForbidden))
}

const checkWithSecret = `
apiVersion: v1
kind: Secret
metadata: {name: probe-token, namespace: %[1]s}
stringData: {token: opened}
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: private, namespace: %[1]s}
spec:
  interval: 1s
  http:
    url: %[2]q
    headers: [{name: Authorization, valueFrom: {secretKeyRef: {name: probe-token, key: token}}}]
`

// secretsAreReadWhereTheOptionalRoleIs comes after nothingWasRefused: without the Role the API server refuses.
func secretsAreReadWhereTheOptionalRoleIs(t *testing.T, c *cluster) {
	t.Helper()
	privateIn(t, c, "default")
	shows(t, c, "default", "healthcheck/private", "reason", "SecretForbidden")
	c.must(t, "", "apply", "--namespace=default", "-k", secretReader)
	shows(t, c, "default", "healthcheck/private", "state", "Passing")
}

// privateIn makes a HealthCheck that passes with what a Secret has.
func privateIn(t *testing.T, c *cluster, namespace string) {
	t.Helper()
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "opened" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(private.Close)
	c.must(t, fmt.Sprintf(checkWithSecret, namespace, private.URL), "apply", "-f", "-")
}

// shows waits for a field of the status of a check.
func shows(t *testing.T, c *cluster, namespace, check, field, value string) {
	t.Helper()
	c.must(t, "", "wait", "--namespace="+namespace, check, "--timeout=60s", "--for=jsonpath={.status."+field+"}="+value)
}

// deletesInTime deletes everything with the manager running and checks still there: they carry no finalizers.
func deletesInTime(t *testing.T, g Gomega, c *cluster) {
	t.Helper()
	started := time.Now()
	c.must(t, "", "delete", "-f", installer, "--timeout="+deletionBound.String())
	g.Expect(time.Since(started)).To(BeNumerically("<", deletionBound))

	output, err := c.kubectl(t.Context(), "", "get", "checks", "--all-namespaces")
	g.Expect(err).To(HaveOccurred(), output)
	namespaces := c.must(t, "", "get", "namespaces", "--output=name")
	g.Expect(namespaces).NotTo(ContainSubstring(systemNamespace))
}

// freeAddress is an address on loopback that nothing listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := blackbox.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
