package readinessgate

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/gate"
)

// gateIndex finds the pods whose gates name an alias, without looking at any other pod.
const gateIndex = "readinessGates.alias"

func indexGates(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &corev1.Pod{}, gateIndex, func(object client.Object) []string {
		return gate.Aliases(object.(*corev1.Pod))
	})
}

// PodsGatedOn are the pods of the shard in an alias's namespace whose gates name it.
func (r *Reconciler) PodsGatedOn(ctx context.Context, alias client.Object) []reconcile.Request {
	pods := &corev1.PodList{}
	err := r.Client.List(ctx, pods, client.InNamespace(alias.GetNamespace()),
		client.MatchingFields{gateIndex: alias.GetName()}, client.UnsafeDisableDeepCopy)
	if err != nil {
		logf.FromContext(ctx).Error(err, "Listing the pods that an alias gates: they follow at their resync", "alias", alias.GetName())
		return nil
	}
	requests := make([]reconcile.Request, 0, len(pods.Items))
	for i := range pods.Items {
		if pod := &pods.Items[i]; r.Shard.Has(pod) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(pod)})
		}
	}
	return requests
}

// gatesChanged lets through the events of pods that matter to their gates. A pod's gates are immutable, but its
// conditions are not: what anybody else makes of ours is repaired at once.
func gatesChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return isGated(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return isGated(e.ObjectNew) && visiblyDiffer(e.ObjectOld.(*corev1.Pod), e.ObjectNew.(*corev1.Pod))
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

func isGated(object client.Object) bool {
	pod, isPod := object.(*corev1.Pod)
	return isPod && len(gate.Aliases(pod)) > 0
}

// visiblyDiffer compares pods as StripPod leaves them: their label is that of the shard, and all conditions are those of our
// gates.
func visiblyDiffer(before, after *corev1.Pod) bool {
	return before.UID != after.UID || !maps.Equal(before.Labels, after.Labels) ||
		!equality.Semantic.DeepEqual(before.Status.Conditions, after.Status.Conditions)
}

// aliasChanged lets through the events of aliases that change what a gate shows. The other updates of an alias,
// such as those of its labels, are no concern of its pods.
func aliasChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return mirroredOf(e.ObjectOld) != mirroredOf(e.ObjectNew)
	}}
}

// mirrored is all that a gate has from its alias.
type mirrored struct {
	ready           bool
	state           v1alpha1.State
	reason, message string
}

func mirroredOf(object client.Object) mirrored {
	status := object.(v1alpha1.Check).CommonStatus()
	return mirrored{
		ready:   meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady),
		state:   status.State,
		reason:  status.Reason,
		message: status.Message,
	}
}

// StripPod is the cache.TransformFunc for pods: it keeps what readiness gates need, and of pods without gates
// only their identity and version, by which the sweep compares them.
func StripPod(object any) (any, error) {
	pod, isPod := object.(*corev1.Pod)
	if !isPod {
		return object, nil // the tombstone of a pod that was deleted unseen
	}
	return gate.Strip(pod), nil
}
