package aliascheck

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/status"
	"github.com/aliascheck/aliascheck/internal/target"
)

func requestFor(object client.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}
}

// onChangeOf lets an update pass if what aliases see of the object differs, and anything else always. It
// spares them the writes that say nothing new: counters of checks, heartbeats of Nodes. All conditions of a watch have
// to be given here: the builder keeps only the last WithPredicates.
func onChangeOf[T client.Object](seen func(T) any, conditions ...predicate.Predicate) builder.Predicates {
	changed := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(T), e.ObjectNew.(T)
		return before.GetUID() != after.GetUID() ||
			maintenance(before) != maintenance(after) ||
			!equality.Semantic.DeepEqual(seen(before), seen(after))
	}}
	return builder.WithPredicates(append(conditions, changed)...)
}

// notInitial drops the objects of the initial list: then every alias is evaluated anyway.
func notInitial() predicate.Predicate {
	return predicate.Funcs{CreateFunc: func(e event.CreateEvent) bool { return !e.IsInInitialList }}
}

// notOwn drops the events of what this process itself wrote: an alias that shows what it just decided need not decide it
// again. What anybody else wrote is looked at.
func notOwn(own *status.OwnWrites[*v1alpha1.AliasCheck]) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !own.Wrote(e.ObjectNew.(*v1alpha1.AliasCheck))
	}}
}

// maintenance distinguishes an empty annotation from an absent one.
func maintenance(object client.Object) string {
	annotations := object.GetAnnotations()
	reason, found := annotations[v1alpha1.AnnotationMaintenance]
	if !found {
		return ""
	}
	return "for " + reason + " until " + annotations[v1alpha1.AnnotationMaintenanceUntil]
}

func seenOfHealthCheck(check *v1alpha1.HealthCheck) any {
	return struct {
		Labels      map[string]string
		Service     *v1alpha1.LocalServiceReference
		Node        string
		Maintenance *v1alpha1.Maintenance
		Suspended   bool
		Status      v1alpha1.CheckStatus
	}{
		check.Labels, check.Spec.ServiceRef, check.Spec.NodeName, check.Spec.Maintenance, check.Spec.Suspend,
		check.Status.CheckStatus,
	}
}

func seenOfAlias(alias *v1alpha1.AliasCheck) any {
	return struct {
		Labels map[string]string
		Status v1alpha1.AliasCheckStatus
	}{alias.Labels, alias.Status}
}

// targetOfAlias is what chains are made of: what an alias refers to, and what it is selected by.
func targetOfAlias(alias *v1alpha1.AliasCheck) any {
	return struct {
		Target   *v1alpha1.TargetReference
		Targets  []v1alpha1.TargetReference
		Selector *v1alpha1.Selector
		Labels   map[string]string
	}{alias.Spec.TargetRef, alias.Spec.Targets, alias.Spec.Selector, alias.Labels}
}

func seenOfService(service *corev1.Service) any {
	return struct {
		Type       corev1.ServiceType
		Conditions []metav1.Condition
	}{service.Spec.Type, service.Status.Conditions}
}

func seenOfEndpointSlice(slice *discoveryv1.EndpointSlice) any {
	return struct {
		Service string
		Ready   bool
	}{slice.Labels[discoveryv1.LabelServiceName], target.HasReadyEndpoint(slice)}
}

func seenOfNode(node *corev1.Node) any {
	type condition struct {
		Type, Status, Reason string
		Since                metav1.Time
	}
	conditions := make([]condition, 0, len(node.Status.Conditions))
	for _, c := range node.Status.Conditions {
		conditions = append(conditions, condition{string(c.Type), string(c.Status), c.Reason, c.LastTransitionTime})
	}
	return struct {
		Cordoned   bool
		Deleted    bool
		Conditions []condition
	}{node.Spec.Unschedulable, node.DeletionTimestamp != nil, conditions}
}
