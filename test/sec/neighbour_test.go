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
	"github.com/aliascheck/aliascheck/test/blackbox"
)

const (
	// aliasBound and gateBound are how long a neighbour's alias and gate may take to follow his check, whatever others do.
	aliasBound = 2 * time.Second
	gateBound  = 3 * time.Second
	// aliasWrites and gateWrites are how many writes of others may come between, where an API server that gets no CPU takes
	// longer for them: each of the neighbour's waits for those under way, which are 24 at most, and for one or two turns.
	aliasWrites = 150
	gateWrites  = 250
)

// neighbour is a tenant who has done nothing: one check, an alias of it, and a pod that is gated on the alias.
type neighbour struct {
	t      *testing.T
	broken atomic.Bool
	// delay is how long what the check looks at takes to answer.
	delay time.Duration
	// writes is how many the manager has made.
	writes func(Gomega) float64
	check  *v1alpha1.HealthCheck
	alias  *v1alpha1.AliasCheck
	pod    *corev1.Pod
}

// besideANeighbour is a manager, somebody whom nothing may disturb, and the namespace of who makes noise.
func besideANeighbour(t *testing.T) (manager *blackbox.Manager, quiet *neighbour, noisy string) {
	t.Helper()
	manager = started(t)
	return manager, newNeighbour(t, manager), newNamespace(t, "noisy")
}

func newNeighbour(t *testing.T, manager *blackbox.Manager, options ...func(*neighbour)) *neighbour {
	t.Helper()
	n := &neighbour{t: t, writes: writesOf(t, manager, "HealthCheck", "AliasCheck", "Pod")}
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
	for range 2 {
		for _, broken := range []bool{true, false} {
			state, status := v1alpha1.StatePassing, corev1.ConditionTrue
			if broken {
				state, status = v1alpha1.StateCritical, corev1.ConditionFalse
			}
			n.broken.Store(broken)
			g.Eventually(live(n.t, n.check), patience).Should(stateIs(state))
			shown, before := time.Now(), n.writes(g)
			g.Eventually(live(n.t, n.alias), patience).Should(stateIs(state), "the neighbour's alias")
			n.inTime("alias", time.Since(shown) <= aliasBound || n.writes(g)-before <= aliasWrites, shown, before)
			g.Eventually(live(n.t, n.pod), patience).Should(gateIs(status), "the neighbour's gate")
			n.inTime("gate", time.Since(shown) <= gateBound || n.writes(g)-before <= gateWrites, shown, before)
		}
	}
}

func (n *neighbour) inTime(what string, is bool, since time.Time, writes float64) {
	n.t.Helper()
	if !is {
		n.t.Errorf("the neighbour's %s followed after %s, and %.0f writes", what, time.Since(since), n.writes(NewWithT(n.t))-writes)
	}
}

func gateIs(status corev1.ConditionStatus) OmegaMatcher {
	return HaveField("Status.Conditions", ContainElement(And(
		HaveField("Type", corev1.PodConditionType("health.aliascheck.dev/db")), HaveField("Status", status))))
}
