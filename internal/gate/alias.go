package gate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Prefix begins the condition type of a readiness gate on an AliasCheck. The rest is the name of an AliasCheck
// in the namespace of the pod.
const Prefix = "health.aliascheck.dev/"

// MaxAliases of one pod are followed. Kubernetes does not limit the number of readiness gates, so a single pod could
// otherwise cost as much as ten thousand. The conditions of further gates are never written: they stay closed.
const MaxAliases = 64

// Aliases are the names of the AliasChecks that the readiness gates of a pod name: each once, in the pod's own
// order, MaxAliases at most. A name need not be a possible one: the API server lets a gate say
// health.aliascheck.dev/Not_A_Name.
func Aliases(pod *corev1.Pod) []string {
	var names []string
	for _, conditionType := range gated(pod, MaxAliases) {
		names = append(names, strings.TrimPrefix(string(conditionType), Prefix))
	}
	return names
}

// TooMany reports whether a pod has gates on more AliasChecks than are followed.
func TooMany(pod *corev1.Pod) bool { return len(gated(pod, MaxAliases+1)) > MaxAliases }

// gated are the condition types of the gates on AliasChecks, each once, so many at most.
func gated(pod *corev1.Pod, limit int) []corev1.PodConditionType {
	var types []corev1.PodConditionType
	seen := map[corev1.PodConditionType]bool{}
	for _, g := range pod.Spec.ReadinessGates {
		if len(types) == limit {
			break
		}
		if isOurs(g.ConditionType) && !seen[g.ConditionType] {
			seen[g.ConditionType] = true
			types = append(types, g.ConditionType)
		}
	}
	return types
}

func isOurs(conditionType corev1.PodConditionType) bool {
	return strings.HasPrefix(string(conditionType), Prefix)
}

// Finished reports whether all containers of a pod have ended for good, so that nobody reads its readiness. A pod that is merely being deleted has not finished: it may serve until its containers stop.
func Finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
