package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// Intervals are short, so that the tests are; AC_INTERVAL=1m runs them with the real ones. Patience is that
// of a test that would otherwise wait without end; measured times are logged.
var (
	interval = intervalFromEnvironment()
	patience = 3*interval + 30*time.Second
)

// seldom is how often whole worlds are compared: more often would take the cores from the manager that is waited for.
const seldom = 200 * time.Millisecond

func intervalFromEnvironment() time.Duration {
	if given, err := time.ParseDuration(os.Getenv("AC_INTERVAL")); err == nil {
		return given
	}
	return 2 * time.Second
}

// soakFor is how long a random workload goes on at least. AC_SOAK=1h sets it; 0 is CI.
var soakFor = soakFromEnvironment()

func soakFromEnvironment() time.Duration {
	given := os.Getenv("AC_SOAK")
	if given == "" {
		return 0
	}
	duration, err := time.ParseDuration(given)
	if err != nil || duration <= 0 {
		panic("AC_SOAK must be a duration, such as 1h, and is " + given) // a soak that silently does nothing helps nobody
	}
	return duration
}

// rounds is how often a test goes round: in CI, and in a soak.
func rounds(ci, soak int) int {
	if soakFor > 0 {
		return soak
	}
	return ci
}

var (
	plane  *controlplane.ControlPlane
	direct client.WithWatch // to the API server, past all faults
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	grants, err := controlplane.ReferenceGrantCRD()
	if err == nil {
		plane, err = controlplane.Start(controlplane.Options{CRDs: []string{grants}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	err = errors.Join(v1alpha1.AddToScheme(scheme.Scheme), gatewayv1.Install(scheme.Scheme))
	if err == nil {
		direct, err = client.NewWithWatch(plane.Config, client.Options{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// rig is a proxy in front of the API server, an application whose health can be set, and a namespace.
// Managers are started in it.
type rig struct {
	*WithT
	t          *testing.T
	ctx        context.Context
	proxy      *proxy.Proxy
	kubeconfig string
	app        *app
	namespace  string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{WithT: NewWithT(t), t: t, ctx: t.Context(), app: newApp(t)}
	r.SetDefaultEventuallyTimeout(patience)
	r.SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	r.useNewProxy()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "faults-"}}
	r.Expect(direct.Create(r.ctx, namespace)).To(Succeed())
	r.namespace = namespace.Name
	return r
}

// useNewProxy puts a proxy in front of the managers that are launched from now on.
func (r *rig) useNewProxy() {
	r.t.Helper()
	started, err := proxy.Start(plane.Config)
	r.Expect(err).NotTo(HaveOccurred())
	r.t.Cleanup(func() { r.Expect(started.Close()).To(Succeed()) })
	r.proxy, r.kubeconfig = started, filepath.Join(r.t.TempDir(), "kubeconfig")
	r.Expect(started.WriteKubeconfig(r.kubeconfig)).To(Succeed())
}

// startManager waits until the manager is ready, and stops it when the test ends. A race that the detector
// saw, a panic or a slow end fails the test.
func (r *rig) startManager(flags ...string) *blackbox.Manager {
	r.t.Helper()
	m := r.launchManager(flags...)
	r.t.Cleanup(func() { r.Expect(m.Stop()).To(Succeed()) })
	return m
}

// launchManager waits until the manager is ready, and leaves its end to the caller.
func (r *rig) launchManager(flags ...string) *blackbox.Manager {
	r.t.Helper()
	m := r.launch(flags...)
	r.waitReady(m)
	return m
}

func (r *rig) waitReady(m *blackbox.Manager) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	r.Expect(m.WaitReady(ctx)).To(Succeed())
}

// launch does not wait for anything.
func (r *rig) launch(flags ...string) *blackbox.Manager {
	r.t.Helper()
	m, err := blackbox.Start(r.kubeconfig, append([]string{
		"--probe-methods=GET,HEAD,OPTIONS,POST,PUT,PATCH,DELETE",
		"--namespaces=" + r.namespace, // tests run side by side
		"--resync-interval=" + interval.String(), "--sweep-interval=" + interval.String(),
	}, flags...)...)
	r.Expect(err).NotTo(HaveOccurred())
	r.t.Cleanup(func() {
		r.Expect(m.Kill()).To(Succeed())
		if r.t.Failed() {
			r.t.Logf("the manager's log:\n%s", tail(m.Log(), 6000))
		}
	})
	return m
}

// metrics are the lines of one metric.
func (r *rig) metrics(m *blackbox.Manager, name string) (lines []string) {
	r.t.Helper()
	body, err := m.Metrics(r.ctx)
	r.Expect(err).NotTo(HaveOccurred())
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, name+"{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func tail(text string, length int) string { return text[max(0, len(text)-length):] }

// healthCheck looks at the application's part of the same name, every second.
func (r *rig) healthCheck(name string) *v1alpha1.HealthCheck {
	return &v1alpha1.HealthCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name},
		Spec: v1alpha1.HealthCheckSpec{
			Interval:         &metav1.Duration{Duration: time.Second},
			FailureThreshold: 1,
			HTTP:             &v1alpha1.HTTPProbe{URL: r.app.url(name)},
		},
	}
}

// aliasOf mirrors the HealthCheck of the same name.
func (r *rig) aliasOf(name string) *v1alpha1.AliasCheck {
	return &v1alpha1.AliasCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name},
		Spec:       v1alpha1.AliasCheckSpec{TargetRef: &v1alpha1.TargetReference{Name: name}},
	}
}

func (r *rig) create(objects ...client.Object) {
	r.t.Helper()
	for _, object := range objects {
		r.Expect(direct.Create(r.ctx, object)).To(Succeed())
	}
}

func (r *rig) delete(objects ...client.Object) {
	r.t.Helper()
	for _, object := range objects {
		r.Expect(r.remove(object)).To(Succeed())
	}
}

func (r *rig) remove(object client.Object) error {
	return client.IgnoreNotFound(direct.Delete(r.ctx, object))
}

// states are of the alias and of the HealthCheck of this name, read past all faults.
func (r *rig) states(name string) func() [2]v1alpha1.State {
	return func() [2]v1alpha1.State { return [2]v1alpha1.State{r.alias(name), r.check(name)} }
}

func both(state v1alpha1.State) [2]v1alpha1.State { return [2]v1alpha1.State{state, state} }

func (r *rig) alias(name string) v1alpha1.State {
	var alias v1alpha1.AliasCheck
	if err := direct.Get(r.ctx, r.key(name), &alias); err != nil {
		return unreadable(err)
	}
	return alias.Status.State
}

func (r *rig) check(name string) v1alpha1.State {
	var check v1alpha1.HealthCheck
	if err := direct.Get(r.ctx, r.key(name), &check); err != nil {
		return unreadable(err)
	}
	return check.Status.State
}

func (r *rig) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: r.namespace, Name: name}
}

func unreadable(err error) v1alpha1.State {
	if apierrors.IsNotFound(err) {
		return "absent"
	}
	return v1alpha1.State(err.Error())
}

// hops is the bound of I1 where each of so many watches, one behind the other, has lost the change: an interval and 5 s,
// and for each further one the pause and the grace of a sweep that follows a loss. With short intervals the 5 s would
// measure how busy the machine is, so there are 10.
func hops(count int) time.Duration {
	slack := 5 * time.Second
	if interval < time.Minute {
		slack = 10 * time.Second
	}
	return interval + time.Duration(count-1)*(interval/6+min(3*time.Second, interval/5)) + slack
}

// moment is a time, and how much had been written by then.
type moment struct {
	at     time.Time
	writes int
}

func (r *rig) now() moment { return moment{time.Now(), len(r.proxy.Writes())} }

// writtenSince are the writes that changed something, by resource, without those of the lease.
func (r *rig) writtenSince(since moment) (total int, byResource map[string]int) {
	byResource = map[string]int{}
	for _, write := range r.proxy.Writes()[since.writes:] {
		if write.Resource != "leases" && write.Status < http.StatusMultipleChoices {
			byResource[write.Resource]++
			total++
		}
	}
	return total, byResource
}

// repairedWithin is repaired, with a bound.
func (r *rig) repairedWithin(
	bound time.Duration, since moment, states func() [2]v1alpha1.State, want [2]v1alpha1.State,
) {
	r.t.Helper()
	r.Eventually(states, max(patience, 2*bound)).Should(Equal(want))
	r.Expect(time.Since(since.at)).To(BeNumerically("<=", bound), "right, but too late")
	r.repaired(since, states, want)
}

// mostWrites bounds what a repair may write: a few checks change in each test, and each change of one is a status
// and an Event. What a fault drives round in circles writes more than this within its patience.
const mostWrites = 40

// repaired waits until the states are right, and logs how long it took and what was written meanwhile:
// docs/reliability.md quotes that.
func (r *rig) repaired(since moment, states func() [2]v1alpha1.State, want [2]v1alpha1.State) {
	r.t.Helper()
	r.Eventually(states).Should(Equal(want))
	r.logRepair(since)
}

// logRepair says what a repair cost that has just ended, and bounds what it wrote.
func (r *rig) logRepair(since moment) {
	r.t.Helper()
	after := time.Since(since.at).Round(10 * time.Millisecond)
	total, byResource := r.writtenSince(since)
	r.t.Logf("right after %s; written meanwhile: %v", after, byResource)
	r.Expect(total).To(BeNumerically("<=", mostWrites), "the repair writes too much: %v", byResource)
}

func names(prefix string, count int) []string {
	list := make([]string, count)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return list
}

func rawPatch(patch string) client.Patch { return client.RawPatch(types.MergePatchType, []byte(patch)) }
