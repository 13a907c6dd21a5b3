//go:build realnode

package realnode

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

const (
	patience = 90 * time.Second
	// The Service's address, which testdata/shop.yaml gives it, so that this process needs no cluster DNS.
	web = "http://10.96.5.6/"
)

//go:embed testdata/shop.yaml
var shop string

// kubectl runs a command against the node that hack/e2e.sh has started, in the namespace shop where it says no other.
func kubectl(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Getenv("KUBECTL"), args...)
	command.Stdin = strings.NewReader(stdin)
	output, err := command.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

func must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	output, err := kubectl(t, stdin, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, output)
	}
	return output
}

// state is what a check shows, as "Critical ProbeFailed".
func state(t *testing.T, check string) func() string {
	return func() string {
		return must(t, "", "get", check, "--output=jsonpath={.status.state} {.status.reason}")
	}
}

// answers reports whether a Service answers. One without endpoints refuses at once; on a busy machine an answer takes its time.
func answers(address string) bool {
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(address)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func post(t *testing.T, address string) {
	t.Helper()
	response, err := http.Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

func TestOnARealNode(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(patience)
	g.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	t.Run("the two minutes of the README", readme)
	must(t, "", "config", "set-context", "--current", "--namespace=shop")
	must(t, shop, "apply", "-f", "-")
	must(t, "", "rollout", "status", "deployment/db", "--timeout=90s")
	g.Eventually(state(t, "aliascheck/web-needs-db")).Should(HavePrefix("Passing"))
	must(t, "", "rollout", "status", "deployment/web", "--timeout=90s")
	g.Eventually(func() bool { return answers(web) }).Should(BeTrue())

	t.Run("probes by the names of Services", byName)
	t.Run("gates under traffic", gatesUnderTraffic)
	t.Run("the manager rolls", managerRolls)
	t.Run("the leader is deleted", leaderIsDeleted)
	t.Run("the leader is killed", leaderIsKilled)
	t.Run("a cordon", cordon)
	t.Run("jobs by their exit codes", jobs)
	t.Run("a Deployment that crash-loops", crashLoops)
	t.Run("a Deployment that cannot pull", cannotPull)
	t.Run("a Deployment that rolls out", rollsOut)
	t.Run("an upgrade under traffic", upgrade)
	t.Run("all that components add", complete)
	t.Run("uninstalling under traffic", uninstall)
	t.Run("a manager of one namespace", namespaced)
}

const named = `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: %s}
spec: {interval: 1s, failureThreshold: 1, %s}
`

// byName asks the cluster's DNS, for names with and without a namespace; one that is not there is told as that.
func byName(t *testing.T) {
	for name, source := range map[string]string{
		"http-name":  `http: {url: "http://db.shop.svc.cluster.local/healthz"}`,
		"http-short": `http: {url: "http://db/healthz"}`,
		"tcp-short":  `tcp: {address: "db:80"}`,
		"grpc-name":  `grpc: {address: "db.shop:9000"}`,
		"dns-name":   `dns: {name: db.shop.svc.cluster.local, expect: ["10.96.5.5"]}`,
	} {
		must(t, fmt.Sprintf(named, name, source), "apply", "-f", "-")
		timed(t, name+" is Passing", func() bool { return strings.HasPrefix(state(t, "healthcheck/"+name)(), "Passing") })
	}
	must(t, fmt.Sprintf(named, "no-name", `http: {url: "http://nobody/healthz"}`), "apply", "-f", "-")
	timed(t, "no-name is Critical", func() bool { return strings.HasPrefix(state(t, "healthcheck/no-name")(), "Critical") })
	message := must(t, "", "get", "healthcheck/no-name", "--output=jsonpath={.status.message}")
	if !strings.Contains(message, "nobody.shop") {
		t.Errorf("the message does not name the host that was asked for: %s", message)
	}
	must(t, "", "delete", "healthcheck", "http-name", "http-short", "tcp-short", "grpc-name", "dns-name", "no-name")
}

// timed waits, and logs how long it took.
func timed(t *testing.T, what string, condition func() bool) {
	t.Helper()
	g, began := NewWithT(t), time.Now()
	g.Eventually(condition).WithTimeout(patience).WithPolling(20*time.Millisecond).Should(BeTrue(), what)
	t.Logf("%s after %s", what, time.Since(began).Round(10*time.Millisecond))
}

// gatesUnderTraffic: the web's pods leave their Service while their database is broken. Its check needs two failures at 1 s.
func gatesUnderTraffic(t *testing.T) {
	pod := must(t, "", "get", "pods", "--selector=app=db", "--output=jsonpath={.items[0].status.podIP}")
	for range 3 {
		post(t, "http://"+pod+":8080/break")
		timed(t, "no traffic", func() bool { return !answers(web) })
		post(t, "http://"+pod+":8080/fix")
		timed(t, "traffic again", func() bool { return answers(web) })
	}
}

// underTraffic counts the requests that fail, and the changes of the checks' states, while something is done.
func underTraffic(t *testing.T, do func()) {
	t.Helper()
	before := states(t)
	ctx, stop := context.WithCancel(t.Context())
	var asked, failed atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			asked.Add(1)
			if !answers(web) {
				failed.Add(1)
			}
		}
	}()
	do()
	stop()
	<-ended
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
	if after := states(t); after != before {
		t.Errorf("the checks were\n%s\nand are\n%s\nbecause\n%s", before, after, must(t, "", "get", "events", "--output=jsonpath="+
			"{range .items[?(@.reason==\"StateChanged\")]}{.eventTime} {.regarding.name}{.involvedObject.name} {.message}\n{end}"))
	}
}

func states(t *testing.T) string {
	t.Helper()
	return must(t, "", "get", "healthcheck/db", "aliascheck/web-needs-db", "aliascheck/db-deployment", "--output=jsonpath="+
		"{range .items[*]}{.metadata.name} {.status.state} {.status.lastTransitionTime}\n{end}")
}

func managerRolls(t *testing.T) {
	underTraffic(t, func() {
		must(t, "", "--namespace=aliascheck-system", "rollout", "restart", "deployment/aliascheck-controller-manager")
		must(t, "", "--namespace=aliascheck-system", "rollout", "status", "deployment/aliascheck-controller-manager", "--timeout=120s")
	})
}

// leader is the pod that holds the lease.
func leader(t *testing.T) string {
	t.Helper()
	holder := must(t, "", "--namespace=aliascheck-system", "get", "lease", "manager.health.aliascheck.dev",
		"--output=jsonpath={.spec.holderIdentity}")
	pod, _, _ := strings.Cut(holder, "_")
	return pod
}

func leaderIsDeleted(t *testing.T) {
	underTraffic(t, func() {
		before := leader(t)
		must(t, "", "--namespace=aliascheck-system", "delete", "pod", before, "--wait=false")
		timed(t, "another leader", func() bool { now := leader(t); return now != "" && now != before })
	})
}

// leaderIsKilled: nobody gives the lease back, so that another leads only when it has run out.
func leaderIsKilled(t *testing.T) {
	must(t, "", "--namespace=aliascheck-system", "rollout", "status", "deployment/aliascheck-controller-manager", "--timeout=120s")
	underTraffic(t, func() {
		before := leader(t)
		holder := must(t, "", "--namespace=aliascheck-system", "get", "lease", "manager.health.aliascheck.dev",
			"--output=jsonpath={.spec.holderIdentity}")
		kill(t, before)
		timed(t, "another process leads", func() bool {
			return holder != must(t, "", "--namespace=aliascheck-system", "get", "lease", "manager.health.aliascheck.dev",
				"--output=jsonpath={.spec.holderIdentity}")
		})
	})
}

// kill ends the process of a pod of the manager, which is found by the name of its host.
func kill(t *testing.T, pod string) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		process := filepath.Dir(name)
		comm, _ := os.ReadFile(name)
		host, _ := os.ReadFile(filepath.Join(process, "root", "etc", "hostname"))
		if strings.TrimSpace(string(comm)) != "manager" || strings.TrimSpace(string(host)) != pod {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no process of %s was found", pod)
}

func cordon(t *testing.T) {
	must(t, "", "cordon", "n1")
	timed(t, "Maintenance", func() bool { return strings.HasPrefix(state(t, "aliascheck/node")(), "Maintenance") })
	must(t, "", "uncordon", "n1")
	timed(t, "no longer", func() bool { return strings.HasPrefix(state(t, "aliascheck/node")(), "Passing") })
}

const job = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: %[1]s, namespace: shop}
spec:
  schedule: "0 0 1 1 *"
  suspend: true
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers: [{name: smoke, image: %[2]q, imagePullPolicy: %[4]s, args: [exit, %[3]q]}]
---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: %[1]s, namespace: shop}
spec: {interval: 30s, timeout: 20s, failureThreshold: 1, job: {cronJobRef: {name: %[1]s}}}
`

// jobThat is a check of a Job whose container ends with a code.
func jobThat(name, image, code, pull string) string { return fmt.Sprintf(job, name, image, code, pull) }

func jobs(t *testing.T) {
	if _, err := kubectl(t, "", "get", "clusterrolebinding", "aliascheck-job-probes-rolebinding"); err != nil {
		must(t, "", "create", "rolebinding", "job-probes", "--clusterrole=aliascheck-job-probes-role",
			"--serviceaccount=aliascheck-system:aliascheck-controller-manager")
	}
	for name, one := range map[string]struct{ image, code, pull, state string }{
		"exits-0":   {"localhost/web:1", "0", "Never", "Passing"},
		"exits-1":   {"localhost/web:1", "1", "Never", "Critical"},
		"exits-137": {"localhost/web:1", "137", "Never", "Critical"},
		"no-image":  {"localhost/nothing:1", "0", "Never", "Critical"},
	} {
		must(t, jobThat(name, one.image, one.code, one.pull), "apply", "-f", "-")
		timed(t, name+" is "+one.state, func() bool { return strings.HasPrefix(state(t, "healthcheck/"+name)(), one.state) })
		must(t, "", "delete", "healthcheck/"+name, "cronjob/"+name)
	}
}

func crashLoops(t *testing.T) {
	patch := func(patch string) { must(t, "", "patch", "deployment/db", "--type=json", "--patch="+patch) }
	patch(`[{"op": "add", "path": "/spec/template/spec/containers/0/args", "value": ["exit", "3"]}]`)
	timed(t, "the Deployment is Critical", func() bool { return strings.HasPrefix(state(t, "aliascheck/db-deployment")(), "Critical") })
	timed(t, "no traffic", func() bool { return !answers(web) })
	patch(`[{"op": "remove", "path": "/spec/template/spec/containers/0/args"}]`)
	timed(t, "the Deployment is Passing", func() bool { return strings.HasPrefix(state(t, "aliascheck/db-deployment")(), "Passing") })
	timed(t, "traffic again", func() bool { return answers(web) })
}

func cannotPull(t *testing.T) {
	patch := func(image, policy string) {
		must(t, "", "patch", "deployment/db", "--type=json", "--patch=[{\"op\": \"replace\", \"path\": "+
			"\"/spec/template/spec/containers/0/image\", \"value\": \""+image+"\"}, {\"op\": \"replace\", \"path\": "+
			"\"/spec/template/spec/containers/0/imagePullPolicy\", \"value\": \""+policy+"\"}]")
	}
	patch("localhost/nothing:1", "Always")
	timed(t, "the Deployment is Critical", func() bool { return strings.HasPrefix(state(t, "aliascheck/db-deployment")(), "Critical") })
	patch("localhost/web:1", "Never")
	timed(t, "the Deployment is Passing", func() bool { return strings.HasPrefix(state(t, "aliascheck/db-deployment")(), "Passing") })
	timed(t, "traffic again", func() bool { return answers(web) })
}

// rollsOut: while pods of the old and of the new template serve, the Deployment is Ready.
func rollsOut(t *testing.T) {
	timed(t, "the Deployment is Passing", func() bool { return strings.HasPrefix(state(t, "aliascheck/web-deployment")(), "Passing") })
	must(t, "", "rollout", "restart", "deployment/web")
	seen := map[string]bool{}
	timed(t, "the rollout is over", func() bool {
		seen[state(t, "aliascheck/web-deployment")()] = true
		_, err := kubectl(t, "", "rollout", "status", "deployment/web", "--watch=false")
		updated := must(t, "", "get", "deployment/web", "--output=jsonpath={.status.updatedReplicas} {.status.replicas} {.status.availableReplicas}")
		return err == nil && updated == "2 2 2"
	})
	for shown := range seen {
		if !strings.HasPrefix(shown, "Passing") && !strings.HasPrefix(shown, "Warning") {
			t.Errorf("the alias has shown %s", shown)
		}
	}
	t.Logf("shown meanwhile: %v", seen)
}

// uninstall closes no gate: the web serves on, without checks.
func uninstall(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var failed atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if !answers(web) {
				failed.Add(1)
			}
		}
	}()
	must(t, "", "delete", "--filename="+installer, "--timeout=60s")
	stop()
	<-ended
	if failed.Load() > 0 {
		t.Errorf("%d requests failed", failed.Load())
	}
	conditions := must(t, "", "get", "pods", "--selector=app=web",
		"--output=jsonpath={.items[*].status.conditions[?(@.type==\"health.aliascheck.dev/web-needs-db\")].status}")
	if conditions != "True True" {
		t.Errorf("the gates are %q", conditions)
	}
}

// namespaced is the variant without rights in the cluster, put into the namespace that it works in by the team itself.
func namespaced(t *testing.T) {
	must(t, "", "apply", "-k", "../../config/components/namespaced/cluster")
	must(t, "", "apply", "-k", overlay(t, "namespace: shop\n", "namespaced"))
	must(t, "", "rollout", "status", "deployment/aliascheck-controller-manager", "--timeout=120s")
	must(t, shop, "apply", "-f", "-")
	timed(t, "a check of its namespace is Passing", func() bool { return strings.HasPrefix(state(t, "healthcheck/db")(), "Passing") })
	timed(t, "an alias of a Service is Passing", func() bool { return strings.HasPrefix(state(t, "aliascheck/web-needs-db")(), "Passing") })
	timed(t, "an alias of a Node is forbidden", func() bool { return strings.HasSuffix(state(t, "aliascheck/node")(), "KindForbidden") })
}
