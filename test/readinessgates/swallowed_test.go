package readinessgates

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

const gateOnDB = "health.aliascheck.dev/db"

// The resync is a minute here, and reads the cache: only the sweep can bring to light what the watch has lost. What comes
// again under an old name is among that.
func TestI1AGateFollowsItsAliasThoughEveryWatchFrameOfItIsSwallowed(t *testing.T) {
	for _, resource := range []string{"aliaschecks", "pods"} {
		t.Run(resource, func(t *testing.T) {
			g := NewWithT(t)
			g.SetDefaultEventuallyTimeout(patience)
			between, err := proxy.Start(plane.Config)
			must(t, err)
			startManager(t, between.Config(), 500*time.Millisecond)
			t.Cleanup(func() { must(t, between.Close()) })
			namespace := newNamespace(t)
			before, recreated := newGatedPod(t, namespace, "before"), newGatedPod(t, namespace, "recreated")
			for _, pod := range []*corev1.Pod{before, recreated} {
				g.Eventually(gateOf(t, pod)).Should(HaveField("Reason", "AliasNotFound"))
			}

			between.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow, Resource: resource}}})
			must(t, api.Delete(t.Context(), recreated, client.GracePeriodSeconds(0)))
			pods := []*corev1.Pod{before, newGatedPod(t, namespace, "recreated"), newGatedPod(t, namespace, "after")}
			follow := func(what types.GomegaMatcher) {
				t.Helper()
				for _, pod := range pods {
					g.Eventually(gateOf(t, pod)).Should(what)
				}
			}
			alias := newPassingAlias(t, namespace)
			follow(HaveField("Status", corev1.ConditionTrue))
			must(t, api.Delete(t.Context(), alias))
			follow(HaveField("Reason", "AliasNotFound"))
			newPassingAlias(t, namespace)
			follow(HaveField("Status", corev1.ConditionTrue))
		})
	}
}

func newNamespace(t *testing.T) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "gates-"}}
	must(t, api.Create(t.Context(), namespace))
	return namespace.Name
}

func newGatedPod(t *testing.T, namespace, name string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	pod.Spec.Containers = []corev1.Container{{Name: "web", Image: "registry.example.com/web:1"}}
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: gateOnDB}}
	must(t, api.Create(t.Context(), pod))
	return pod
}

// newPassingAlias makes alias db, which is Passing for want of a target.
func newPassingAlias(t *testing.T, namespace string) *v1alpha1.AliasCheck {
	t.Helper()
	alias := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "db"}}
	alias.Spec.TargetRef = &v1alpha1.TargetReference{Name: "nobody"}
	alias.Spec.WhenMissing = v1alpha1.StatePassing
	must(t, api.Create(t.Context(), alias))
	return alias
}

func gateOf(t *testing.T, pod *corev1.Pod) func() corev1.PodCondition {
	t.Helper()
	return func() corev1.PodCondition {
		live := &corev1.Pod{}
		must(t, api.Get(t.Context(), client.ObjectKeyFromObject(pod), live))
		return conditionOf(live, gateOnDB)
	}
}
