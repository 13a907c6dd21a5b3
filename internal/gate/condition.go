package gate

import (
	"fmt"
	"regexp"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// ReasonAliasNotFound is the reason of a gate that names no AliasCheck of the pod's namespace.
const ReasonAliasNotFound = "AliasNotFound"

// Due are the conditions that the gates of a pod call for and that the pod does not have yet. The aliases are by
// name; one that is not among them does not exist. The time of a condition changes with its status only, and is
// truncated to seconds, as the API keeps it.
func Due(pod *corev1.Pod, aliases map[string]*v1alpha1.AliasCheck, now time.Time) []corev1.PodCondition {
	var due []corev1.PodCondition
	for _, name := range Aliases(pod) {
		wanted := condition(pod.Namespace, name, aliases[name])
		wanted.LastTransitionTime = metav1.Time{Time: now.Truncate(time.Second)}
		shown := Shown(pod, wanted.Type)
		if shown != nil && shown.Status == wanted.Status {
			wanted.LastTransitionTime = shown.LastTransitionTime
		}
		if shown == nil || !same(*shown, wanted) {
			due = append(due, wanted)
		}
	}
	return due
}

// Shown is the condition of this type that a pod has; nil if it has none.
func Shown(pod *corev1.Pod, conditionType corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == conditionType {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// With is a copy of a pod that has these conditions, as the API server has it in this resourceVersion.
func With(pod *corev1.Pod, conditions []corev1.PodCondition, resourceVersion string) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.ResourceVersion = resourceVersion
	for _, condition := range conditions {
		if shown := Shown(pod, condition.Type); shown != nil {
			*shown = condition
		} else {
			pod.Status.Conditions = append(pod.Status.Conditions, condition)
		}
	}
	return pod
}

func same(a, b corev1.PodCondition) bool {
	return a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message
}

func condition(namespace, name string, alias *v1alpha1.AliasCheck) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.PodConditionType(Prefix + name), Status: corev1.ConditionFalse}
	if alias == nil {
		c.Reason = ReasonAliasNotFound
		c.Message = health.Bounded(fmt.Sprintf("there is no AliasCheck %q in namespace %s", name, namespace))
		return c
	}
	if meta.IsStatusConditionTrue(alias.Status.Conditions, v1alpha1.ConditionReady) {
		c.Status = corev1.ConditionTrue
	}
	c.Reason = reason(alias.Status.CheckStatus)
	c.Message = message(name, alias.Status.CheckStatus)
	return c
}

// conditionReason matches the reasons that a condition may have.
var conditionReason = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// reason is the alias's own. An alias may have it from an object whose author did not know the rules: a text that is not a
// valid reason is replaced with the state.
func reason(status v1alpha1.CheckStatus) string {
	if conditionReason.MatchString(status.Reason) {
		return status.Reason
	}
	return string(health.Known(status.State))
}

// message names the alias, so that it also stands alone: AliasCheck db is Critical (ProbeFailed): dial ….
func message(name string, status v1alpha1.CheckStatus) string {
	text := fmt.Sprintf("AliasCheck %s is %s (%s)", name, health.Known(status.State), reason(status))
	if status.Message != "" {
		text += ": " + status.Message
	}
	return health.Bounded(text)
}
