package gate

import (
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Strip is what the cache keeps of a pod: its identity and version, whether it has finished, its shard, its gates
// on AliasChecks and their conditions. A cluster has many pods, few with gates, and few different texts in these. One gate
// more than are followed is kept, so that TooMany still knows.
func Strip(pod *corev1.Pod) *corev1.Pod {
	stripped := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name:            pod.Name,
		Namespace:       shared(pod.Namespace),
		UID:             pod.UID,
		ResourceVersion: pod.ResourceVersion,
	}}
	types := gated(pod, MaxAliases+1)
	if len(types) == 0 {
		return stripped
	}
	for _, conditionType := range types {
		stripped.Spec.ReadinessGates = append(stripped.Spec.ReadinessGates,
			corev1.PodReadinessGate{ConditionType: shared(conditionType)})
	}
	if key, found := pod.Labels[v1alpha1.LabelShard]; found {
		stripped.Labels = map[string]string{v1alpha1.LabelShard: shared(key)}
	}
	stripped.Status.Phase = shared(pod.Status.Phase)
	stripped.Status.Conditions = conditionsOf(pod, types)
	return stripped
}

// conditionsOf are the conditions of these types that a pod has, the first of each.
func conditionsOf(pod *corev1.Pod, types []corev1.PodConditionType) []corev1.PodCondition {
	wanted := make(map[corev1.PodConditionType]bool, len(types))
	for _, conditionType := range types {
		wanted[conditionType] = true
	}
	var conditions []corev1.PodCondition
	for _, c := range pod.Status.Conditions {
		if !wanted[c.Type] {
			continue
		}
		wanted[c.Type] = false
		c.Type, c.Status = shared(c.Type), shared(c.Status)
		c.Reason, c.Message = shared(cut(c.Reason)), shared(cut(c.Message))
		conditions = append(conditions, c)
	}
	return conditions
}

// cut bounds a text that somebody else wrote. It stays longer than any of ours, and is therefore replaced.
func cut(text string) string { return text[:min(len(text), v1alpha1.MaxMessageBytes+1)] }

// shared is the one copy of a text that many pods have.
func shared[T ~string](text T) T { return unique.Make(text).Value() }
