package target

import (
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// object reads a target of any other kind.
func (o *Observer) object(ref Reference, kinds *lease) (health.Observation, error) {
	object, namespaced, err := kinds.get(ref)
	switch {
	case errors.Is(err, errNotInstalled):
		return notInstalled(ref), nil
	case errors.Is(err, errForbidden):
		return forbidden(ref), nil
	case errors.Is(err, errUnsupported):
		return invalid(ref, "this kind cannot be listed and watched"), nil
	case errors.Is(err, errClusterScoped):
		return ofClusterScoped(ref), nil
	case err != nil:
		return health.Observation{}, err
	case object == nil:
		return missing(ref.scoped(namespaced)), nil
	}
	return one(objectMember(ref, object)), nil
}

// objectMember is the health of an object of any kind.
func objectMember(ref Reference, object *unstructured.Unstructured) health.Member {
	member := health.Member{APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName()}
	if member, in := annotated(member, object.GetAnnotations()); in {
		return member
	}
	if ref.ConditionType != "" {
		return objectCondition(member, ref.ConditionType, object)
	}
	return kstatusMember(member, object)
}

// objectCondition shows a condition of an object. While the object is being deleted, and while the condition is of an
// older generation, it says nothing of what is there now: then the state is that which kstatus has for it.
func objectCondition(member health.Member, kind string, object *unstructured.Unstructured) health.Member {
	conditions := conditionsOf(object)
	condition, _ := conditionOf(conditions, kind)
	switch {
	case object.GetDeletionTimestamp() != nil:
		return inKstatus(member, kstatus.TerminatingStatus, "it is being deleted")
	case ofOlderGeneration(object), conditionIsOlder(object, condition):
		return inKstatus(member, kstatus.InProgressStatus, olderMessage(object))
	default:
		return conditionMember(member, kind, conditions)
	}
}

// inKstatus is a member with one of the statuses of kstatus, which is its reason too.
func inKstatus(member health.Member, status kstatus.Status, message string) health.Member {
	member.State, member.Reason, member.Message = stateOfKstatus[status], status.String(), message
	return member
}

// ofOlderGeneration reports whether the status of an object is not of its present spec, as far as it says so.
func ofOlderGeneration(object *unstructured.Unstructured) bool {
	observed, says, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	return says && err == nil && observed != object.GetGeneration()
}

// conditionIsOlder reports the same of one condition, for kinds whose controllers say it there.
func conditionIsOlder(object *unstructured.Unstructured, condition metav1.Condition) bool {
	return condition.ObservedGeneration > 0 && condition.ObservedGeneration < object.GetGeneration()
}

func olderMessage(object *unstructured.Unstructured) string {
	return fmt.Sprintf("its status is not yet that of generation %d, its spec's", object.GetGeneration())
}

// kstatusMember is what kstatus makes of an object: Current Passing, InProgress Warning, Failed and
// Terminating Critical. A Pod that has failed is Critical too, though kstatus calls it Current.
func kstatusMember(member health.Member, object *unstructured.Unstructured) health.Member {
	if podFailed(object) {
		member.State, member.Reason = v1alpha1.StateCritical, reasonOr(podReason(object), string(kstatus.FailedStatus))
		member.Message = "the Pod is in phase Failed"
		return member
	}
	result, err := computed(object)
	if err == nil && result.Status == kstatus.CurrentStatus && readyIsOlder(object) {
		return inKstatus(member, kstatus.InProgressStatus, olderMessage(object))
	}
	if err != nil {
		member.State, member.Reason = v1alpha1.StateUnknown, string(kstatus.UnknownStatus)
		member.Message = "its status cannot be read: " + err.Error()
		return member
	}
	member.State = stateOfKstatus[result.Status]
	member.Message = result.Message
	if member.Message == "" {
		member.Message = fmt.Sprintf("kstatus of %s %s is %s", member.Kind, member.Name, result.Status)
	}
	member.Reason, member.Since = toldBy(result, object)
	return member
}

// computed is what kstatus says. It trusts the types of the fields that it knows, and panics where they are others; then
// the status is one that cannot be read (I9).
func computed(object *unstructured.Unstructured) (result *kstatus.Result, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			result, err = nil, fmt.Errorf("a field of it has another type than this kind has there: %v", problem)
		}
	}()
	return kstatus.Compute(object)
}

// readyIsOlder reports whether the condition Ready is of an older generation: kstatus looks at that of the status only.
func readyIsOlder(object *unstructured.Unstructured) bool {
	ready, _ := conditionOf(conditionsOf(object), v1alpha1.ConditionReady)
	return conditionIsOlder(object, ready)
}

var stateOfKstatus = map[kstatus.Status]v1alpha1.State{
	kstatus.CurrentStatus:     v1alpha1.StatePassing,
	kstatus.InProgressStatus:  v1alpha1.StateWarning,
	kstatus.FailedStatus:      v1alpha1.StateCritical,
	kstatus.TerminatingStatus: v1alpha1.StateCritical,
	kstatus.UnknownStatus:     v1alpha1.StateUnknown,
}

// toldBy is the reason and the time of transition. They are those of the target's own condition where that
// decided; otherwise the reason is what kstatus calls the status: Current, InProgress, Failed, Terminating.
func toldBy(result *kstatus.Result, object *unstructured.Unstructured) (string, time.Time) {
	wanted := ""
	for _, c := range result.Conditions {
		wanted = c.Reason
	}
	for _, c := range conditionsOf(object) {
		if saysItself(result.Status, c) || wanted != "" && c.Reason == wanted {
			return reasonOr(c.Reason, result.Status.String()), c.LastTransitionTime.Time
		}
	}
	return result.Status.String(), time.Time{}
}

// saysItself reports whether a condition is what kstatus judged by, or what a Job ended with, for whose failure
// kstatus makes up a reason of its own.
func saysItself(status kstatus.Status, c metav1.Condition) bool {
	ended := c.Status == metav1.ConditionTrue
	switch status {
	case kstatus.CurrentStatus:
		return c.Type == v1alpha1.ConditionReady || ended && c.Type == string(batchv1.JobComplete)
	case kstatus.FailedStatus:
		return ended && c.Type == string(batchv1.JobFailed)
	default:
		return false
	}
}

func podFailed(object *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	return object.GetAPIVersion() == "v1" && object.GetKind() == "Pod" && phase == "Failed" &&
		object.GetDeletionTimestamp() == nil
}

func podReason(object *unstructured.Unstructured) string {
	reason, _, _ := unstructured.NestedString(object.Object, "status", "reason")
	return reason
}
