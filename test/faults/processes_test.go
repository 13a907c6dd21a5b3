package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// leaseDuration is how long a standby waits for a leader that has vanished without a word.
const leaseDuration = 15 * time.Second

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
	for round := range rounds(2, 10) {
		r.Expect(r.process("kube-apiserver").Kill(r.ctx)).To(Succeed())
		want := r.flip(round%2 == 1)
		r.restart("kube-apiserver")
		r.repaired(time.Now(), r.states("web"), want)
	}
}

func TestI1AStateIsRightSoonAfterEtcdWasPaused(t *testing.T) {
	r := newRig(t)
	r.startManager()
	r.web()
	etcd := r.process("etcd")
	r.Expect(etcd.Signal(syscall.SIGSTOP)).To(Succeed())
	want := r.flip(false)
	pause := time.After(time.Duration(rounds(5, 20)) * time.Second)
	probed := r.app.probes()
	r.Eventually(r.app.probes).Should(BeNumerically(">=", probed+1))
	<-pause
	r.Expect(etcd.Signal(syscall.SIGCONT)).To(Succeed())
	r.repaired(time.Now(), r.states("web"), want)
}

// The watches are held up while all that they have yet to see is compacted away, and then they are cut.
func TestI1AStateIsRightSoonAfterEtcdWasCompacted(t *testing.T) {
	r := newRig(t)
	r.startManager()
	r.web()
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Freeze}}})
	r.delete(r.aliasOf("web"))
	r.create(r.aliasOf("web"))
	want := r.flip(false)
	r.compactEtcd()
	r.proxy.Cut()
	r.proxy.Set(proxy.Faults{})
	r.repaired(time.Now(), r.states("web"), want)
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
	var lease coordinationv1.Lease
	key := client.ObjectKey{Namespace: r.namespace, Name: "manager.health.aliascheck.dev"}
	if err := direct.Get(r.ctx, key, &lease); err != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// I6: one of two replicas is killed at a random moment of changes, and replaced; whoever leads then, no state
// is one that the application was never in, and in the end all are right.
func TestI6AStateIsRightThoughManagersAreKilledUnderChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	replicas := []*blackbox.Manager{r.launchManager(r.elected()...), r.launchManager(r.elected()...)}
	r.web()
	for round := range rounds(3, 50) {
		want := r.flip(round%2 == 1)
		moment := time.After(rand.N(time.Second))
		<-moment
		victim := rand.N(len(replicas))
		replicas[victim].Kill()
		replicas[victim] = r.launchManager(r.elected()...)
		r.repaired(time.Now(), r.states("web"), want)
	}
	for _, m := range replicas {
		r.Expect(m.Stop()).To(Succeed())
	}
}

// I3, across leaders: the old one is frozen past its lease with a state in its head, and continued when a newer
// result is shown. It writes nothing more, and exits.
func TestI3AFrozenLeaderShowsNothingAfterItsSuccessor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.launchManager(r.elected()...)
	r.Eventually(r.leader).ShouldNot(BeEmpty())
	r.web()
	first := r.leader()
	standby := r.launchManager(r.elected()...)
	r.app.fail("web")
	r.Eventually(r.states("web")).Should(Equal(both(v1alpha1.StateCritical)))
	r.Expect(old.Signal(syscall.SIGSTOP)).To(Succeed())
	r.app.recover("web")
	r.Eventually(r.leader, patience+leaseDuration).ShouldNot(Equal(first))
	r.repaired(time.Now(), r.states("web"), both(v1alpha1.StatePassing))

	shown := r.observe()
	r.Expect(old.Signal(syscall.SIGCONT)).To(Succeed())
	r.Eventually(old.Ended()).Should(BeClosed())
	r.Expect(shown()).To(HaveEach(v1alpha1.StatePassing))
	r.Expect(standby.Stop()).To(Succeed())
}

// observe collects the states of all checks from now on, as the API shows them; the returned function ends it.
func (r *rig) observe() func() []v1alpha1.State {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	watcher, err := direct.Watch(ctx, &v1alpha1.HealthCheckList{}, client.InNamespace(r.namespace))
	r.Expect(err).NotTo(HaveOccurred())
	collected := make(chan []v1alpha1.State)
	go func() {
		var states []v1alpha1.State
		for event := range watcher.ResultChan() {
			if check, ok := event.Object.(*v1alpha1.HealthCheck); ok {
				states = append(states, check.Status.State)
			}
		}
		collected <- states
	}()
	return func() []v1alpha1.State {
		cancel()
		return <-collected
	}
}
