package gate_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/gate"
)

func TestStripKeepsWhatGatesNeedAndNothingElse(t *testing.T) {
	live := livePod(1, "health.aliascheck.dev/db")
	want := identityOf(live)
	want.Spec.ReadinessGates = live.Spec.ReadinessGates
	want.Status.Phase = corev1.PodRunning
	want.Status.Conditions = []corev1.PodCondition{*gate.Shown(live, "health.aliascheck.dev/db")}
	if got := gate.Strip(live); !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("stripped is\n%+v\nwant\n%+v", got, want)
	}
}

func TestStripKeepsTheIdentityOfAPodWithoutGates(t *testing.T) {
	live := livePod(1, "example.com/db")
	if got := gate.Strip(live); !equality.Semantic.DeepEqual(got, identityOf(live)) {
		t.Errorf("stripped is\n%+v\nwant\n%+v", got, identityOf(live))
	}
}

func identityOf(pod *corev1.Pod) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
	}}
}

func TestStripAgainChangesNothing(t *testing.T) {
	once := gate.Strip(livePod(1, "health.aliascheck.dev/db"))
	if twice := gate.Strip(once); !equality.Semantic.DeepEqual(once, twice) {
		t.Errorf("stripped again it is\n%+v\nwant\n%+v", twice, once)
	}
}

func TestStripLeavesThePodAlone(t *testing.T) {
	pod := livePod(1, "health.aliascheck.dev/db")
	before := pod.DeepCopy()
	gate.Strip(pod)
	if !equality.Semantic.DeepEqual(pod, before) {
		t.Error("the pod has changed")
	}
}

// Neither the number of readiness gates nor that of conditions is limited by Kubernetes, nor is the length of a text.
func TestStripKeepsLittleOfAPodThatHasMuch(t *testing.T) {
	pod := podWith(manyGates(30_000)...)
	for _, g := range pod.Spec.ReadinessGates {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: g.ConditionType})
	}
	long := strings.Repeat("x", 1_000_000)
	pod.Status.Conditions[0].Reason, pod.Status.Conditions[0].Message = long, long
	pod.Labels, pod.Annotations = map[string]string{"a": long}, map[string]string{"a": long}
	encoded, err := gate.Strip(pod).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if len(encoded) > 16<<10 {
		t.Errorf("%d bytes are kept, want at most 16 KiB", len(encoded))
	}
}

func TestATextThatWasCutIsNotTakenForOurs(t *testing.T) {
	alias := aliasIn(v1alpha1.StateCritical, "ProbeFailed", strings.Repeat("x", 2000))
	pod := podWith("health.aliascheck.dev/db")
	pod.Status.Conditions = gate.Due(pod, aliases(alias), noon)
	pod.Status.Conditions[0].Message += "and what somebody added"
	if due := gate.Due(gate.Strip(pod), aliases(alias), noon); len(due) != 1 {
		t.Errorf("due are %+v, want the condition that is not as it should be", due)
	}
}

// Run it to measure what a cluster of 50,000 pods costs, each as the API server sends it, in a store with the
// indices that the manager's cache has:
//
//	go test -run '^$' -bench CachedPod -benchtime 1x ./internal/gate
func BenchmarkCachedPod(b *testing.B) {
	const pods = 50_000
	for _, row := range []struct {
		name  string
		gates []string
		keep  func(*corev1.Pod) *corev1.Pod
	}{
		{"whole", []string{"health.aliascheck.dev/db"}, func(pod *corev1.Pod) *corev1.Pod { return pod }},
		{"stripped/gated", []string{"health.aliascheck.dev/db"}, gate.Strip},
		{"stripped/ungated", nil, gate.Strip},
	} {
		b.Run(row.name, func(b *testing.B) {
			for b.Loop() {
				store := newStore()
				before := heapInUse()
				for i := range pods {
					if err := store.Add(row.keep(asReceived(b, livePod(i, row.gates...)))); err != nil {
						b.Fatal(err)
					}
				}
				grown := heapInUse() - before
				b.ReportMetric(float64(grown)/pods, "B/pod")
				b.ReportMetric(float64(grown)/(1<<20), "MiB")
				runtime.KeepAlive(store)
			}
		})
	}
}

func newStore() cache.Indexer {
	return cache.NewIndexer(cache.DeletionHandlingMetaNamespaceKeyFunc, cache.Indexers{
		cache.NamespaceIndex: cache.MetaNamespaceIndexFunc,
		"alias": func(object any) ([]string, error) {
			var values []string
			for _, name := range gate.Aliases(object.(*corev1.Pod)) {
				values = append(values, object.(*corev1.Pod).Namespace+"/"+name, "__all_namespaces/"+name)
			}
			return values, nil
		},
	})
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// asReceived is a pod whose texts are its own, as those of a decoded one are.
func asReceived(tb testing.TB, pod *corev1.Pod) *corev1.Pod {
	tb.Helper()
	encoded, err := pod.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	received := &corev1.Pod{}
	if err := received.Unmarshal(encoded); err != nil {
		tb.Fatal(err)
	}
	return received
}

// livePod is a running pod with all that one has: a container with a probe, volumes, tolerations, conditions.
func livePod(i int, gates ...string) *corev1.Pod {
	pod := podWith(gates...)
	pod.Name = fmt.Sprintf("web-7d4b9c6f5d-%05d", i)
	pod.UID = types.UID(fmt.Sprintf("0b6cb3a2-6f0e-4a3c-9a5e-%012d", i))
	pod.ResourceVersion = fmt.Sprint(100 + i)
	pod.Labels = map[string]string{"app": "web", "pod-template-hash": "7d4b9c6f5d", "team": "shop"}
	pod.Annotations = map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "kube-controller-manager", FieldsV1: metav1.NewFieldsV1(strings.Repeat("x", 1500))},
		{Manager: "kubelet", FieldsV1: metav1.NewFieldsV1(strings.Repeat("x", 1000))},
	}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-7d4b9c6f5d", UID: "0b6cb3a2"}}
	pod.Spec.NodeName = "worker-1"
	pod.Spec.Containers = []corev1.Container{{
		Name:  "web",
		Image: "registry.example.com/shop/web:1.2.3",
		Env:   []corev1.EnvVar{{Name: "DATABASE", Value: "db.shop:5432"}, {Name: "LOG_LEVEL", Value: "info"}},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz"}}, PeriodSeconds: 10,
		},
		VolumeMounts: []corev1.VolumeMount{{Name: "token", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"}},
	}}
	pod.Spec.Tolerations = []corev1.Toleration{{Key: "node.kubernetes.io/not-ready"}, {Key: "node.kubernetes.io/unreachable"}}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", ImageID: "sha256:0b6cb3a2", ContainerID: "containerd://0b6cb3a2"}}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: noon.Add(time.Duration(i))},
		})
	}
	for _, g := range gates {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type:    corev1.PodConditionType(g),
			Status:  corev1.ConditionTrue,
			Reason:  "ProbePassed",
			Message: "AliasCheck db is Passing (ProbePassed): tcp db.shop:5432 accepted",
		})
	}
	return pod
}
