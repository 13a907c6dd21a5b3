package faults

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/test/blackbox"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// sharded is the manager of one shard, which elects its leader, behind a proxy of its own.
type sharded struct {
	shard   shard.Shard
	manager *blackbox.Manager
	proxy   *proxy.Proxy
}

func (r *rig) launchShard(s shard.Shard) sharded {
	r.t.Helper()
	other := *r
	other.useNewProxy()
	return sharded{s, other.launchManager(append(r.elected(), "--shard="+string(s))...), other.proxy}
}

// names are those of the objects that a manager has written, without its lease and its Events.
func (s sharded) names() map[string]bool {
	names := map[string]bool{}
	for _, write := range s.proxy.Writes("healthchecks", "aliaschecks", "pods") {
		names[write.Name] = true
	}
	return names
}

func inShard[T client.Object](object T, s shard.Shard) T {
	object.SetLabels(nil)
	if s != "" {
		object.SetLabels(map[string]string{v1alpha1.LabelShard: string(s)})
	}
	return object
}

// move gives a check and its alias to another shard.
func (r *rig) move(name string, to shard.Shard) {
	r.t.Helper()
	for _, object := range []client.Object{&v1alpha1.HealthCheck{}, &v1alpha1.AliasCheck{}} {
		r.Expect(direct.Get(r.ctx, r.key(name), object)).To(Succeed())
		before := object.DeepCopyObject().(client.Object)
		r.Expect(direct.Patch(r.ctx, inShard(object, to), client.MergeFrom(before))).To(Succeed())
	}
}

// gatedPod waits for an alias.
func (r *rig) gatedPod(name, alias string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name},
		Spec: corev1.PodSpec{
			Containers:     []corev1.Container{{Name: "web", Image: "web"}},
			ReadinessGates: []corev1.PodReadinessGate{{ConditionType: gateOf(alias)}},
		},
	}
}

func gateOf(alias string) corev1.PodConditionType {
	return corev1.PodConditionType(v1alpha1.GroupVersion.Group + "/" + alias)
}

func (r *rig) gate(pod, alias string) func() corev1.ConditionStatus {
	return func() corev1.ConditionStatus {
		var read corev1.Pod
		if err := direct.Get(r.ctx, r.key(pod), &read); err != nil {
			return corev1.ConditionStatus(err.Error())
		}
		for _, c := range read.Status.Conditions {
			if c.Type == gateOf(alias) {
				return c.Status
			}
		}
		return ""
	}
}

// Each shard's manager writes its own checks and pods, and no others. Aliases and gates follow what belongs to other shards.
// Where a manager is killed the other shards go on, and a new one goes on with what it left.
func TestThreeShardsFollowEachOtherThoughTheManagerOfOneIsKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	none, a, b := r.launchShard(""), r.launchShard("a"), r.launchShard("b")
	across := inShard(r.aliasOf("web-a"), "b") // a check of one shard, its alias of another, and a pod of the third
	r.create(r.healthCheck("web"), r.aliasOf("web"), inShard(r.healthCheck("web-a"), "a"), across,
		inShard(r.healthCheck("web-b"), "b"), inShard(r.aliasOf("web-b"), "b"), r.gatedPod("pod", "web-a"))
	for _, name := range []string{"web", "web-a", "web-b"} {
		r.Eventually(r.states(name)).Should(Equal(both(v1alpha1.StatePassing)), name)
	}
	r.Eventually(r.gate("pod", "web-a")).Should(Equal(corev1.ConditionTrue))

	r.Expect(a.manager.Kill()).To(Succeed())
	for _, name := range []string{"web-a", "web", "web-b"} {
		r.app.fail(name)
	}
	r.Eventually(r.states("web")).Should(Equal(both(v1alpha1.StateCritical)))
	r.Eventually(r.states("web-b")).Should(Equal(both(v1alpha1.StateCritical)))
	r.Expect(r.states("web-a")()).To(Equal(both(v1alpha1.StatePassing)), "nobody probes it")
	r.endLease(a.shard.Lease())
	successor := r.launchShard("a")
	r.Eventually(r.states("web-a")).Should(Equal(both(v1alpha1.StateCritical)))
	r.Eventually(r.gate("pod", "web-a")).Should(Equal(corev1.ConditionFalse))

	r.Expect(none.names()).To(Equal(map[string]bool{"web": true, "pod": true}))
	r.Expect(a.names()).To(Equal(map[string]bool{"web-a": true}))
	r.Expect(successor.names()).To(Equal(map[string]bool{"web-a": true}))
	r.Expect(b.names()).To(Equal(map[string]bool{"web-a": true, "web-b": true}))
	r.stop(none, successor, b)
}

func (r *rig) stop(managers ...sharded) {
	r.t.Helper()
	for _, m := range managers {
		r.Expect(m.manager.Stop()).To(Succeed())
	}
}

// I2 and I3, across shards: a check moves while its probe is under way. The old manager gives that up, and the new one probes at
// once.
func TestI2I3AProbeOfACheckThatMovesToAnotherShardIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := newHeldApp(t)
	slow.hold()
	r.create(r.heldCheck("web", slow), r.aliasOf("web"))
	old := r.launchShard("")
	r.Eventually(slow.held).Should(Equal(1), "the old manager has a probe under way")
	next := r.launchShard("a")
	r.move("web", "a")
	r.Eventually(slow.givenUp).Should(Equal(1), "the old manager gives it up")
	r.Eventually(slow.held).Should(Equal(2), "the new one begins")
	slow.answerHeld(http.StatusInternalServerError)
	r.Eventually(r.states("web")).Should(Equal(both(v1alpha1.StateCritical)))
	r.Expect(next.names()).To(Equal(map[string]bool{"web": true}))
	r.stop(old, next)
}

// A check that has moved is no longer probed by its old manager, and is again when it comes back.
func TestACheckThatMovesToAnotherShardIsProbedByThatAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(r.healthCheck("web"), r.aliasOf("web"), r.healthCheck("moved"), r.aliasOf("moved"))
	old, next := r.launchShard(""), r.launchShard("a")
	r.Eventually(r.states("moved")).Should(Equal(both(v1alpha1.StatePassing)))
	r.move("moved", "a")
	r.app.fail("moved")
	r.Eventually(r.states("moved")).Should(Equal(both(v1alpha1.StateCritical)))
	r.Expect(next.names()).To(Equal(map[string]bool{"moved": true}))

	r.stop(next)
	r.app.recover("moved")
	for _, to := range []bool{false, true, false} { // intervals of both, and a resync of the old manager
		since := time.Now()
		want := r.flip(to)
		r.Eventually(func() bool { return r.states("web")() == want && time.Since(since) > interval }).Should(BeTrue())
	}
	r.Expect(r.states("moved")()).To(Equal(both(v1alpha1.StateCritical)), "the old manager still looks after what is another's")
	r.move("moved", "")
	r.Eventually(r.states("moved")).Should(Equal(both(v1alpha1.StatePassing)))
	r.stop(old)
}
