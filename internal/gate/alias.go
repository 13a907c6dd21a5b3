package gate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Prefix begins the condition type of a readiness gate on an AliasCheck. The rest is the name of an AliasCheck
// in the namespace of the pod.
const Prefix = "health.aliascheck.dev/"

// Aliases are the names of the AliasChecks that the readiness gates of a pod name: each once, in the pod's own
// order. A name need not be a possible one: the API server lets a gate say health.aliascheck.dev/Not_A_Name.
func Aliases(pod *corev1.Pod) []string {
	var names []string
	for _, g := range pod.Spec.ReadinessGates {
		name, ours := strings.CutPrefix(string(g.ConditionType), Prefix)
		if ours && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Finished reports whether all containers of a pod have ended for good, so that nobody reads its readiness any
// more. A pod that is merely being deleted has not finished: it may serve until its containers stop.
func Finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
