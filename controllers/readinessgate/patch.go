package readinessgate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/gate"
	"github.com/aliascheck/aliascheck/internal/health"
)

// EventReadinessGateChanged is the reason of the Event on a pod one of whose gates has opened or closed. It is
// where `kubectl describe pod` says why: that prints the status of a condition, and not its message.
const EventReadinessGateChanged = "ReadinessGateChanged"

// EventTooManyReadinessGates is the reason of the Event on a pod that names more AliasChecks than are followed.
const EventTooManyReadinessGates = "TooManyReadinessGates"

// gatePatch is a strategic merge patch of pods/status. Conditions merge by their type, so that all which are not
// in it stay as they are, whoever else writes to the pod meanwhile; and so it needs no resourceVersion, which the
// kubelet changes all the time. The UID is a precondition: another pod of that name is not this patch's.
type gatePatch struct {
	Metadata struct {
		UID types.UID `json:"uid"`
	} `json:"metadata"`
	Status struct {
		Conditions []gateCondition `json:"conditions"`
	} `json:"status"`
}

// gateCondition are the fields of a corev1.PodCondition that are written.
type gateCondition struct {
	Type               corev1.PodConditionType `json:"type"`
	Status             corev1.ConditionStatus  `json:"status"`
	Reason             string                  `json:"reason"`
	Message            string                  `json:"message"`
	LastTransitionTime metav1.Time             `json:"lastTransitionTime"`
}

// PatchConditions writes conditions of a pod, and returns its resourceVersion after that. Another pod of its name is a
// conflict.
func PatchConditions(
	ctx context.Context, c client.Client, pod *corev1.Pod, conditions []corev1.PodCondition,
) (resourceVersion string, err error) {
	var patch gatePatch
	patch.Metadata.UID = pod.UID
	for _, condition := range conditions {
		patch.Status.Conditions = append(patch.Status.Conditions, gateCondition{
			Type:               condition.Type,
			Status:             condition.Status,
			Reason:             condition.Reason,
			Message:            condition.Message,
			LastTransitionTime: condition.LastTransitionTime,
		})
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return "", fmt.Errorf("encoding a patch: %w", err)
	}
	// Only metadata is asked for in return: the pod itself may be large, and nobody reads it.
	target := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	target.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	err = c.Status().Patch(ctx, target, client.RawPatch(types.StrategicMergePatchType, body))
	if recreated(err) {
		return "", apierrors.NewConflict(corev1.Resource("pods"), pod.Name, err)
	}
	return target.ResourceVersion, err
}

// recreated reports whether a patch was refused because another pod has the name now. The API server calls that
// an invalid change of metadata.uid, and a conflict only if it finds out late.
func recreated(err error) bool {
	var refusal apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &refusal) || refusal.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(refusal.Status().Details.Causes, func(cause metav1.StatusCause) bool {
		return cause.Field == "metadata.uid"
	})
}

// tell emits an Event for each gate that has opened or closed. A gate that is open from the start is no news. The Event that a
// pod has too many comes with the first write of its conditions, and so once.
func (r *Reconciler) tell(pod *corev1.Pod, written []corev1.PodCondition) {
	if gate.TooMany(pod) && len(pod.Status.Conditions) == 0 {
		r.Recorder.Eventf(pod, nil, corev1.EventTypeWarning, EventTooManyReadinessGates, "CloseGate",
			"only the first %d AliasChecks that its readiness gates name are followed; the other gates stay closed",
			gate.MaxAliases)
	}
	for _, condition := range written {
		before := corev1.ConditionTrue
		if shown := gate.Shown(pod, condition.Type); shown != nil {
			before = shown.Status
		}
		if condition.Status == before {
			continue
		}
		kind, action := corev1.EventTypeNormal, "OpenGate"
		if condition.Status != corev1.ConditionTrue {
			kind, action = corev1.EventTypeWarning, "CloseGate"
		}
		note := health.Bounded(fmt.Sprintf("%s is %s: %s", condition.Type, condition.Status, condition.Message))
		r.Recorder.Eventf(pod, nil, kind, EventReadinessGateChanged, action, "%s", note)
	}
}
