package sec

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const (
	// aliasBound and gateBound are how long a neighbour's alias and gate may take to follow his check, whatever others do.
	aliasBound = 2 * time.Second
	gateBound  = 3 * time.Second
)

// neighbour is a tenant who has done nothing: one check, an alias of it, and a pod that is gated on the alias.
type neighbour struct {
	t      *testing.T
	broken atomic.Bool
	// delay is how long what the check looks at takes to answer.
	delay time.Duration
	check *v1alpha1.HealthCheck
	alias *v1alpha1.AliasCheck
	pod   *corev1.Pod
}

func newNeighbour(t *testing.T, options ...func(*neighbour)) *neighbour {
	t.Helper()
	n := &neighbour{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(n.delay):
		case <-r.Context().Done():
		}
		if n.broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	in := metav1.ObjectMeta{Namespace: newNamespace(t, "quiet"), Name: "db"}
	n.check = &v1alpha1.HealthCheck{ObjectMeta: in, Spec: v1alpha1.HealthCheckSpec{
		Interval: every(time.Second), FailureThreshold: 1, HTTP: &v1alpha1.HTTPProbe{URL: server.URL},
	}}
	n.alias = aliasOf(in.Namespace, "db", "db")
	n.pod = gatedPod(in.Namespace, "db")
	for _, option := range options {
		option(n)
	}
	create(t, n.check)
	create(t, n.alias)
	create(t, n.pod)
	NewWithT(t).Eventually(live(t, n.pod), patience).Should(gateIs(corev1.ConditionTrue))
	return n
}

// gatedPod is a pod with a gate, both of this name.
func gatedPod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{
			Containers:     []corev1.Container{{Name: "web", Image: "web:1"}},
			ReadinessGates: []corev1.PodReadinessGate{{ConditionType: corev1.PodConditionType("health.aliascheck.dev/" + name)}},
		},
	}
}

// noticesNothing breaks what the neighbour's check looks at and repairs it, a few times: all that is his follows.
func (n *neighbour) noticesNothing() {
	n.t.Helper()
	g := NewWithT(n.t)
	g.SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	for range 3 {
		for _, broken := range []bool{true, false} {
			state, status := v1alpha1.StatePassing, corev1.ConditionTrue
			if broken {
				state, status = v1alpha1.StateCritical, corev1.ConditionFalse
			}
			n.broken.Store(broken)
			g.Eventually(live(n.t, n.check), patience).Should(stateIs(state))
			g.Eventually(live(n.t, n.alias), aliasBound).Should(stateIs(state), "the neighbour's alias")
			g.Eventually(live(n.t, n.pod), gateBound-aliasBound).Should(gateIs(status), "the neighbour's gate")
		}
	}
}

func gateIs(status corev1.ConditionStatus) OmegaMatcher {
	return HaveField("Status.Conditions", ContainElement(And(
		HaveField("Type", corev1.PodConditionType("health.aliascheck.dev/db")), HaveField("Status", status))))
}
