package tree

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// now is the time of all worlds of these tests.
var now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func emptyWorld() *World {
	return &World{
		At:     now,
		Checks: map[ID]*v1alpha1.HealthCheck{},
		Alias:  map[ID]*v1alpha1.AliasCheck{},
		Pods:   map[ID]*corev1.Pod{},
	}
}

func (w *World) check(namespace, name string, state v1alpha1.State, reason, message string) *v1alpha1.HealthCheck {
	check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1}}
	check.Status.CheckStatus = statusOf(state, reason, message)
	w.Checks[IDOf(KindHealthCheck, check)] = check
	return check
}

func (w *World) alias(namespace, name string, ref *v1alpha1.TargetReference, state v1alpha1.State, reason, message string) *v1alpha1.AliasCheck {
	alias := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1}}
	alias.Spec.TargetRef = ref
	alias.Status.CheckStatus = statusOf(state, reason, message)
	w.Alias[IDOf(KindAliasCheck, alias)] = alias
	return alias
}

func (w *World) pod(namespace, name, alias string, open bool) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	kind := corev1.PodConditionType(v1alpha1.GroupVersion.Group + "/" + alias)
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: kind}}
	status := corev1.ConditionFalse
	if open {
		status = corev1.ConditionTrue
	}
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: kind, Status: status, Reason: "ProbeFailed", Message: "of alias " + alias, LastTransitionTime: metav1.NewTime(now.Add(-time.Minute)),
	}}
	w.Pods[IDOf(KindPod, pod)] = pod
}

func statusOf(state v1alpha1.State, reason, message string) v1alpha1.CheckStatus {
	since := metav1.NewTime(now.Add(-3 * time.Minute))
	return v1alpha1.CheckStatus{
		State: state, Reason: reason, Message: message, LastTransitionTime: &since, ObservedGeneration: 1,
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: "False", Reason: reason, LastTransitionTime: since}},
	}
}

func to(kind, name string) *v1alpha1.TargetReference {
	return &v1alpha1.TargetReference{Kind: kind, Name: name}
}

// shop is a chain of two aliases over a failing check, a Service with two checks, and two pods that follow the chain.
func shop() *World {
	w := emptyWorld()
	const refused = "GET http://web.shop:8080/: connection refused"
	w.check("shop", "web", v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed, refused)
	w.check("shop", "db-a", v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded, "connected").Spec.ServiceRef = &v1alpha1.LocalServiceReference{Name: "db"}
	w.check("shop", "db-b", v1alpha1.StateWarning, v1alpha1.ReasonProbeWarning, "slow").Spec.ServiceRef = &v1alpha1.LocalServiceReference{Name: "db"}
	web := &v1alpha1.Culprit{Kind: KindHealthCheck, Namespace: "shop", Name: "web"}
	w.alias("shop", "needs-web", to(KindHealthCheck, "web"), v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed, refused).Status.Culprit = web
	w.alias("shop", "front", to(KindAliasCheck, "needs-web"), v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed, refused).Status.Culprit = web
	w.alias("shop", "db", to(KindService, "db"), v1alpha1.StateWarning, "WarningChecks", "1 of 2 checks is Warning").Status.Culprit =
		&v1alpha1.Culprit{Kind: KindHealthCheck, Namespace: "shop", Name: "db-b"}
	w.pod("shop", "cart-1", "front", false)
	w.pod("shop", "mail-1", "db", true)
	return w
}
