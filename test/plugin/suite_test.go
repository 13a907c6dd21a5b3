package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

// bound is generous to a busy machine.
const bound = 60 * time.Second

// What all tests of this package share: a cluster with a manager, the plugin, and a shop whose server answers 503 while
// broken is set.
var (
	plane  *controlplane.ControlPlane
	api    client.Client
	plugin string
	broken atomic.Bool
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	log.SetLogger(logr.Discard())
	format.TruncatedDiff = false
	var err error
	if plugin, err = blackbox.Build("kubectl-aliascheck-race", "./cmd/kubectl-aliascheck", "-race"); err != nil {
		return failed(err)
	}
	if plane, err = controlplane.Start(controlplane.Options{
		APIServerFlags: map[string]string{"delete-collection-workers": "16"}, // of the 2,000 checks of a test
	}); err != nil {
		return failed(err)
	}
	defer func() { _ = plane.Stop() }()
	if api, err = client.New(plane.Config, client.Options{}); err != nil {
		return failed(err)
	}
	manager, err := blackbox.Start(plane.Kubeconfig)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = manager.Stop() }()
	ready, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	if err := manager.WaitReady(ready); err != nil {
		return failed(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if err := open(server.URL); err != nil {
		return failed(err)
	}
	return m.Run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// open creates the shop: a check, an alias of it, an alias of that, a pod gated on the last, and an alias of nothing.
func open(url string) error {
	manifest := fmt.Sprintf(`
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: health.aliascheck.dev/v1alpha1, kind: HealthCheck, metadata: {name: web, namespace: shop}, spec: {interval: 1s, failureThreshold: 1, http: {url: %q}}}
---
{apiVersion: health.aliascheck.dev/v1alpha1, kind: AliasCheck, metadata: {name: needs-web, namespace: shop}, spec: {targetRef: {name: web}}}
---
{apiVersion: health.aliascheck.dev/v1alpha1, kind: AliasCheck, metadata: {name: front, namespace: shop}, spec: {targetRef: {kind: AliasCheck, name: needs-web}}}
---
{apiVersion: health.aliascheck.dev/v1alpha1, kind: AliasCheck, metadata: {name: lost, namespace: shop}, spec: {targetRef: {name: gone}}}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop}
spec:
  automountServiceAccountToken: false
  readinessGates: [{conditionType: health.aliascheck.dev/front}]
  containers: [{name: cart, image: cart}]
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: shop}}
`, url)
	var pods []*unstructured.Unstructured
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			return err
		}
		if object.GetKind() == "Pod" { // it needs the ServiceAccount, which comes last
			pods = append(pods, object)
			continue
		}
		if err := api.Create(context.Background(), object); err != nil {
			return err
		}
	}
	for _, pod := range pods {
		if err := api.Create(context.Background(), pod); err != nil {
			return err
		}
	}
	return nil
}

// call is what the plugin prints, and its exit code.
func call(t *testing.T, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	return callWith(t, "", arguments...)
}

// callWith gives the plugin a text on stdin.
func callWith(t *testing.T, stdin string, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), bound) // it is called from clean-ups too
	defer cancel()
	command := exec.CommandContext(ctx, plugin, append([]string{"--kubeconfig=" + plane.Kubeconfig, "--cache-dir=" + t.TempDir()}, arguments...)...)
	out, problems := &bytes.Buffer{}, &bytes.Buffer{}
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), out, problems
	err := command.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
	}
	return out.String(), problems.String(), code
}

var (
	ages  = regexp.MustCompile(`\b\d+[smh]\b`)
	ports = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	times = regexp.MustCompile(`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// golden is an output without what differs from run to run, with runs of spaces as one.
func golden(text string) string {
	text = times.ReplaceAllString(ports.ReplaceAllString(ages.ReplaceAllString(text, "AGE"), "SERVER"), "TIME")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = regexp.MustCompile(` {2,}`).ReplaceAllString(strings.TrimRight(line, " "), "  ")
	}
	return strings.Join(lines, "\n")
}

// break503 breaks the shop for a test, and repairs it after it.
func break503(t *testing.T) {
	t.Helper()
	broken.Store(true)
	t.Cleanup(func() {
		broken.Store(false)
		_, stderr, code := call(t, "wait", "aliascheck/front", "-n", "shop", "--for=Passing", "--timeout=50s")
		NewWithT(t).Expect(code).To(BeZero(), stderr)
	})
	_, stderr, code := call(t, "wait", "aliascheck/front", "-n", "shop", "--for=Critical", "--timeout=50s")
	NewWithT(t).Expect(code).To(BeZero(), stderr)
}
