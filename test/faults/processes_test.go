package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/test/blackbox"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// leaseDuration is how long a standby waits for a leader that has vanished without a word.
const leaseDuration = 12 * time.Second

const leaseName = shard.LeaseName

// process finds a process of the control plane once: what was restarted is known to its finder only.
var processes = map[string]*controlplane.Process{}

func (r *rig) process(name string) *controlplane.Process {
	r.t.Helper()
	if processes[name] == nil {
		found, err := plane.Process(name)
		r.Expect(err).NotTo(HaveOccurred())
		processes[name] = found
	}
	return processes[name]
}

// restart kills processes of the control plane, and starts them again in the order given.
func (r *rig) restart(names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.Expect(r.process(name).Kill(r.ctx)).To(Succeed())
	}
	for _, name := range names {
		r.Expect(r.process(name).Start()).To(Succeed())
	}
	ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
	defer cancel()
	r.Expect(plane.WaitReady(ctx)).To(Succeed())
}

// web makes a check and its alias, Passing.
func (r *rig) web() {
	r.t.Helper()
	r.create(r.healthCheck("web"), r.aliasOf("web"))
	r.Eventually(r.states("web")).Should(Equal(both(v1alpha1.StatePassing)))
}

// flip turns the application over, and returns what its states must become.
func (r *rig) flip(to bool) [2]v1alpha1.State {
	if to {
		r.app.recover("web")
		return both(v1alpha1.StatePassing)
	}
	r.app.fail("web")
	return both(v1alpha1.StateCritical)
}

func TestI1AStateIsRightSoonAfterTheAPIServerWasKilled(t *testing.T) {
	r := newRig(t)
	r.startManager()
	r.web()
	for round := range rounds(4, 10) {
		r.Expect(r.process("kube-apiserver").Kill(r.ctx)).To(Succeed())
		want := r.flip(round%2 == 1)
		r.restart("kube-apiserver")
		if (round+1)%rounds(4, 1) == 0 {
			// client-go waits longer after every watch that is cut, as in the test of connections that are cut.
			r.repairedWithin(time.Minute+5*time.Second, r.now(), r.states("web"), want)
		}
	}
}

// A pause of 20 s is longer than a leader has to renew its lease: one that is elected may end by that, and then its
// standby follows it. Either way the states are right again, and nothing is Passing that has not been seen to be.
func TestI1AStateIsRightSoonAfterEtcdWasPaused(t *testing.T) {
	r, elected := newRig(t), newRig(t)
	r.startManager()
	replicas := []*blackbox.Manager{
		elected.launchManager(elected.elected()...), elected.launchManager(elected.elected()...),
	}
	r.web()
	elected.web()
	etcd := r.process("etcd")
	shown := elected.changesOf("web")
	r.Expect(etcd.Signal(syscall.SIGSTOP)).To(Succeed())
	want := r.flip(false)
	elected.flip(false)
	pause := time.After(20 * time.Second)
	probed := r.app.probes()
	r.Eventually(r.app.probes).Should(BeNumerically(">=", probed+1))
	<-pause
	r.Expect(etcd.Signal(syscall.SIGCONT)).To(Succeed())
	since, electedSince := r.now(), elected.now()
	r.repaired(since, r.states("web"), want)
	elected.Eventually(elected.states("web"), patience+leaseDuration).Should(Equal(want))
	elected.repaired(electedSince, elected.states("web"), want)
	elected.Expect(greensAfterRed(shown())).To(BeZero(), "Passing was shown again, though nothing has passed")
	for i, replica := range replicas {
		select {
		case <-replica.Ended():
			t.Logf("replica %d has lost its leadership, and ended", i)
		default:
			t.Logf("replica %d goes on", i)
			r.Expect(replica.Stop()).To(Succeed())
		}
	}
}

// A leader outlives an etcd that is paused for 5 s: it has 2 s more to renew its lease.
func TestALeaderOutlivesAShortPauseOfEtcd(t *testing.T) {
	r := newRig(t)
	manager := r.startManager(r.elected()...)
	r.Eventually(r.leader).ShouldNot(BeEmpty())
	leader, etcd := r.leader(), r.process("etcd")
	pause := time.After(5 * time.Second)
	r.Expect(etcd.Signal(syscall.SIGSTOP)).To(Succeed())
	<-pause
	r.Expect(etcd.Signal(syscall.SIGCONT)).To(Succeed())
	resumed := time.Now()
	r.Eventually(r.renewed).Should(BeTemporally(">", resumed))
	r.Expect(r.leader()).To(Equal(leader))
	r.Expect(manager.Ended()).NotTo(BeClosed())
}

// greensAfterRed counts the Passing ones that come after a Critical one. A watch starts with what exists, and so with
// Passing.
func greensAfterRed(states []v1alpha1.State) (count int) {
	red := false
	for _, state := range states {
		red = red || state == v1alpha1.StateCritical
		if red && state == v1alpha1.StatePassing {
			count++
		}
	}
	return count
}

// The watches are held up, so that what they would go on from grows old. All of that is compacted away, and the API
// server starts again, so that its own watch cache does not have it either: the watches must get 410 Expired.
func TestI1AStateIsRightSoonAfterEtcdWasCompacted(t *testing.T) {
	r := newRig(t)
	r.startManager()
	r.web()
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Freeze}}})
	since := r.now()
	r.delete(r.aliasOf("web"))
	r.create(r.aliasOf("web"))
	want := r.flip(false)
	r.Eventually(func() v1alpha1.State { return r.check("web") }).Should(Equal(v1alpha1.StateCritical))
	r.Expect(r.process("kube-apiserver").Kill(r.ctx)).To(Succeed())
	r.compactEtcd()
	expired := r.proxy.Expired()
	r.proxy.Set(proxy.Faults{})
	r.restart("kube-apiserver")
	r.repaired(since, r.states("web"), want)
	r.Eventually(r.proxy.Expired).Should(BeNumerically(">", expired), "no watch was answered with 410")
}

func (r *rig) compactEtcd() {
	r.t.Helper()
	var answer struct {
		Header struct {
			Revision string `json:"revision"`
		} `json:"header"`
	}
	r.Expect(json.Unmarshal(r.etcd("/v3/kv/range", `{"key":"YQ=="}`), &answer)).To(Succeed())
	r.etcd("/v3/kv/compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, answer.Header.Revision))
}

func (r *rig) etcd(path, body string) []byte {
	r.t.Helper()
	response, err := http.Post(plane.EtcdURL()+path, "application/json", bytes.NewBufferString(body))
	r.Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	r.Expect(err).NotTo(HaveOccurred())
	r.Expect(response.StatusCode).To(Equal(http.StatusOK), string(answer))
	return answer
}

func (r *rig) elected() []string {
	return []string{"--leader-elect", "--leader-election-namespace=" + r.namespace}
}

func (r *rig) leader() string {
	if lease := r.lease(); lease.HolderIdentity != nil {
		return *lease.HolderIdentity
	}
	return ""
}

// renewed is when the leader renewed its lease last, in its own words.
func (r *rig) renewed() time.Time {
	if lease := r.lease(); lease.RenewTime != nil {
		return lease.RenewTime.Time
	}
	return time.Time{}
}

func (r *rig) lease() coordinationv1.LeaseSpec {
	var lease coordinationv1.Lease
	if err := direct.Get(r.ctx, client.ObjectKey{Namespace: r.namespace, Name: leaseName}, &lease); err != nil {
		return coordinationv1.LeaseSpec{}
	}
	return lease.Spec
}

// I6: one of two replicas is killed at a random moment of changes, and replaced, 20 times in all, and 50 times in a soak. What
// does not change is not touched by whoever leads then; what does change shows no state that the application was never in, and
// no more changes of state than the application made.
func TestI6NoStateChangesByItselfThoughManagersAreKilledUnderChanges(t *testing.T) {
	const pairs = 5
	kills := rounds(4, 10)
	for pair := range pairs {
		t.Run(fmt.Sprintf("pair %d", pair), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			replicas := []*blackbox.Manager{r.launchManager(r.elected()...), r.launchManager(r.elected()...)}
			r.web()
			r.app.fail("steady-red")
			r.create(r.healthCheck("steady-red"), r.aliasOf("steady-red"), r.healthCheck("steady-green"), r.aliasOf("steady-green"))
			r.Eventually(r.states("steady-green")).Should(Equal(both(v1alpha1.StatePassing)))
			r.Eventually(r.states("steady-red")).Should(Equal(both(v1alpha1.StateCritical)))
			steady, changes := r.versions("steady-green", "steady-red"), r.changesOf("web")
			flips := 0
			for round := range kills {
				flips += r.killUnderFlips(replicas, round)
			}
			r.Expect(r.versions("steady-green", "steady-red")).To(Equal(steady), "what has not changed was written")
			seen := changes()
			r.Expect(seen).To(HaveEach(BeElementOf(v1alpha1.StatePassing, v1alpha1.StateCritical)))
			r.Expect(len(seen)).To(And(BeNumerically(">", kills), BeNumerically("<=", flips+1)), "changes, of %d flips", flips)
			for _, m := range replicas {
				r.Expect(m.Stop()).To(Succeed())
			}
		})
	}
}

// killUnderFlips kills a replica while the application is turned over, and returns how often it was.
func (r *rig) killUnderFlips(replicas []*blackbox.Manager, round int) (flips int) {
	r.t.Helper()
	moment := time.After(rand.N(2 * time.Second))
	to := round%2 == 0
	for killed := false; !killed; flips++ {
		r.flip(to)
		to = !to
		select {
		case <-moment:
			killed = true
		case <-time.After(300 * time.Millisecond):
		}
	}
	victim := rand.N(len(replicas))
	led := r.leads(replicas[victim])
	r.Expect(replicas[victim].Kill()).To(Succeed())
	want, since := r.flip(round%2 == 1), r.now() // another than after the round before
	flips++
	if led && round > 0 {
		r.endLease(leaseName)
	}
	replicas[victim] = r.launchManager(r.elected()...)
	r.Eventually(r.states("web"), patience+leaseDuration).Should(Equal(want))
	r.repaired(since, r.states("web"), want)
	return flips
}

// leads asks a replica whether it is the leader.
func (r *rig) leads(m *blackbox.Manager) bool {
	r.t.Helper()
	return slices.Contains(r.metrics(m, "leader_election_master_status"), `leader_election_master_status{name="`+leaseName+`"} 1`)
}

// endLease takes the lease from a leader that is dead: its 12 s are waited for in the first round only.
func (r *rig) endLease(name string) {
	r.t.Helper()
	r.delete(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name}})
}

// versions are the resourceVersions of checks and their aliases: no write of any kind leaves them as they were.
func (r *rig) versions(names ...string) map[string]string {
	r.t.Helper()
	versions := map[string]string{}
	for _, name := range names {
		for _, object := range []client.Object{&v1alpha1.HealthCheck{}, &v1alpha1.AliasCheck{}} {
			r.Expect(direct.Get(r.ctx, r.key(name), object)).To(Succeed())
			versions[fmt.Sprintf("%T %s", object, name)] = object.GetResourceVersion()
		}
	}
	return versions
}

// changesOf collects the states that a HealthCheck takes from now on, each once; the returned function ends it.
func (r *rig) changesOf(name string) func() []v1alpha1.State {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	watcher, err := direct.Watch(ctx, &v1alpha1.HealthCheckList{}, client.InNamespace(r.namespace))
	r.Expect(err).NotTo(HaveOccurred())
	collected := make(chan []v1alpha1.State)
	go func() {
		var states []v1alpha1.State
		for event := range watcher.ResultChan() {
			if check, ok := event.Object.(*v1alpha1.HealthCheck); ok && check.Name == name {
				states = append(states, check.Status.State)
			}
		}
		collected <- slices.Compact(states)
	}()
	return func() []v1alpha1.State {
		cancel()
		return <-collected
	}
}

// I3, across leaders: the old one is frozen past its lease while a probe of it is under way, and gets a wrong answer
// while it is frozen. Its successor sees that all is well, and so has nothing to write: no conflict can save the old
// one from writing what it has got when it is continued. It must write nothing more, and exit.
func TestI3AFrozenLeaderShowsNothingAfterItsSuccessor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := newHeldApp(t)
	r.create(r.heldCheck("web", slow), r.aliasOf("web"))
	first := r.launchManager()
	r.Eventually(r.states("web")).Should(Equal(both(v1alpha1.StatePassing)))
	r.Expect(first.Stop()).To(Succeed())

	slow.hold()
	old, oldProxy := r.launchBehindItsOwnProxy()
	r.Eventually(slow.held, patience).Should(Equal(1), "the old leader has a probe under way")
	leader := r.leader()
	r.Expect(leader).NotTo(BeEmpty())
	standby := r.launchManager(r.elected()...)
	shown := r.observe()
	r.Expect(old.Signal(syscall.SIGSTOP)).To(Succeed())
	r.Eventually(old.Stopped).Should(BeTrue())
	slow.answerHeld(http.StatusInternalServerError)
	r.Eventually(r.leader, patience+leaseDuration).ShouldNot(Equal(leader))
	r.Eventually(slow.passed, patience).Should(BeNumerically(">=", 2), "the successor has seen that all is well")

	r.exitsWithoutAWrite(old, oldProxy, "healthchecks", "aliaschecks")
	r.Expect(shown()).To(HaveEach(v1alpha1.StatePassing))
	r.Expect(standby.Stop()).To(Succeed())
}

// exitsWithoutAWrite continues an old leader. It may tell in an Event that it leads no more.
func (r *rig) exitsWithoutAWrite(old *blackbox.Manager, itsProxy *proxy.Proxy, resources ...string) {
	r.t.Helper()
	written := len(itsProxy.Writes(resources...))
	continued := time.Now()
	r.Expect(old.Signal(syscall.SIGCONT)).To(Succeed())
	r.Eventually(old.Ended()).Should(BeClosed())
	r.t.Logf("the old leader exits %s after it goes on", time.Since(continued).Round(10*time.Millisecond))
	r.Expect(itsProxy.Writes(resources...)[written:]).NotTo(
		ContainElement(HaveField("Status", BeNumerically("<", 300))), "the old leader has written something")
	r.Expect(old.Log()).To(ContainSubstring("the process stood still"))
}

// I3: the cache of an old leader may have caught up with an alias and not with its target. What it would write to such an
// alias is newer than nothing, so there is no conflict: it must not write at all.
func TestI3AFrozenLeaderWritesNothingFromACacheThatLags(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, oldProxy := r.launchBehindItsOwnProxy()
	r.web()
	r.Expect(old.Signal(syscall.SIGSTOP)).To(Succeed())
	r.Eventually(old.Stopped).Should(BeTrue())
	oldProxy.Set(lost("healthchecks"))
	want := r.flip(false)
	standby := r.launchManager(r.elected()...)
	r.Eventually(r.states("web"), patience+leaseDuration).Should(Equal(want))

	r.exitsWithoutAWrite(old, oldProxy, "healthchecks", "aliaschecks")
	r.Expect(r.states("web")()).To(Equal(want))
	r.Expect(standby.Stop()).To(Succeed())
}

// launchBehindItsOwnProxy launches one of several replicas, so that what it writes can be told from what they do.
func (r *rig) launchBehindItsOwnProxy() (*blackbox.Manager, *proxy.Proxy) {
	r.t.Helper()
	other := *r
	other.useNewProxy()
	return other.launchManager(r.elected()...), other.proxy
}

// heldApp is healthy, and answers slowly and otherwise when it is told to.
type heldApp struct {
	server *httptest.Server
	mu     sync.Mutex
	locked struct { // guarded by mu
		holding               bool
		held, passed, dropped int
		answer                chan int
	}
}

func newHeldApp(t *testing.T) *heldApp {
	a := &heldApp{}
	a.locked.answer = make(chan int)
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

func (a *heldApp) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	a.mu.Lock()
	if !a.locked.holding {
		a.locked.passed++
		a.mu.Unlock()
		return
	}
	a.locked.held++
	a.mu.Unlock()
	select {
	case code := <-a.locked.answer:
		w.WriteHeader(code)
	case <-request.Context().Done():
		a.mu.Lock()
		defer a.mu.Unlock()
		a.locked.dropped++
	}
}

// givenUp counts the probes that hung until the manager gave them up.
func (a *heldApp) givenUp() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.dropped
}

// heldCheck looks at such an application. Its probe does not end by itself while a test runs.
func (r *rig) heldCheck(name string, app *heldApp) *v1alpha1.HealthCheck {
	check := r.healthCheck(name)
	check.Spec.HTTP.URL = app.server.URL
	check.Spec.Interval.Duration = time.Minute
	check.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
	return check
}

// hold makes probes hang from now on.
func (a *heldApp) hold() { a.setHolding(true) }

// answerHeld answers the probe that hangs. Those that come later are answered well, and at once.
func (a *heldApp) answerHeld(code int) {
	a.setHolding(false)
	a.locked.answer <- code
}

func (a *heldApp) setHolding(holding bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.holding = holding
}

func (a *heldApp) held() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.held
}

func (a *heldApp) passed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.passed
}

// observe collects the states of all checks from now on, as the API shows them; the returned function ends it.
func (r *rig) observe() func() []v1alpha1.State {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	collected := make(chan []v1alpha1.State)
	lists := []client.ObjectList{&v1alpha1.HealthCheckList{}, &v1alpha1.AliasCheckList{}}
	for _, list := range lists {
		watcher, err := direct.Watch(ctx, list, client.InNamespace(r.namespace))
		r.Expect(err).NotTo(HaveOccurred())
		go func() {
			var states []v1alpha1.State
			for event := range watcher.ResultChan() {
				if check, ok := event.Object.(v1alpha1.Check); ok {
					states = append(states, check.CommonStatus().State)
				}
			}
			collected <- states
		}()
	}
	return func() (states []v1alpha1.State) {
		cancel()
		for range lists {
			states = append(states, <-collected...)
		}
		return states
	}
}
