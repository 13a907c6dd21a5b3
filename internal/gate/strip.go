package gate

import (
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Strip is what the cache keeps of a pod: its identity and version, whether it has finished, its gates on
// AliasChecks and their conditions. A cluster has many pods, few with gates, and few different texts in these.
func Strip(pod *corev1.Pod) *corev1.Pod {
	stripped := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name:            pod.Name,
		Namespace:       shared(pod.Namespace),
		UID:             pod.UID,
		ResourceVersion: pod.ResourceVersion,
	}}
	for _, g := range pod.Spec.ReadinessGates {
		if isOurs(g.ConditionType) {
			g.ConditionType = shared(g.ConditionType)
			stripped.Spec.ReadinessGates = append(stripped.Spec.ReadinessGates, g)
		}
	}
	if stripped.Spec.ReadinessGates == nil {
		return stripped
	}
	stripped.Status.Phase = shared(pod.Status.Phase)
	for _, c := range pod.Status.Conditions {
		if isOurs(c.Type) {
			c.Type, c.Status = shared(c.Type), shared(c.Status)
			c.Reason, c.Message = shared(c.Reason), shared(c.Message)
			stripped.Status.Conditions = append(stripped.Status.Conditions, c)
		}
	}
	return stripped
}

func isOurs(conditionType corev1.PodConditionType) bool {
	return strings.HasPrefix(string(conditionType), Prefix)
}

// shared is the one copy of a text that many pods have.
func shared[T ~string](text T) T { return unique.Make(text).Value() }
