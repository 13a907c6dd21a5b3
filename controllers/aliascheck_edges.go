package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target"
)

// aliasEdges maps a changed object to the aliases that it concerns. On an update controller-runtime asks for
// the old object and for the new one, so those that counted it before are told too.
type aliasEdges struct {
	client client.Reader
	deaf   bool
}

func (e aliasEdges) ofHealthCheck(ctx context.Context, check client.Object) []reconcile.Request {
	return e.of(ctx, v1alpha1.GroupVersion.WithKind("HealthCheck").GroupKind(), check.GetNamespace(), check.GetName())
}

// of is the aliases whose target this object is.
func (e aliasEdges) of(ctx context.Context, kind schema.GroupKind, namespace, name string) []reconcile.Request {
	return e.list(ctx, client.MatchingFields{target.ByTarget: target.Key(kind, namespace, name)})
}

// list reads names out of the cache without a copy of the aliases: one check may have thousands.
func (e aliasEdges) list(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	if e.deaf {
		return nil
	}
	aliases := &v1alpha1.AliasCheckList{}
	if err := e.client.List(ctx, aliases, append(options, client.UnsafeDisableDeepCopy)...); err != nil {
		// Nothing is lost but time: the resync looks at every alias.
		logf.FromContext(ctx).Error(err, "Edge lost: listing the aliases that a change concerns")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(aliases.Items))
	for i := range aliases.Items {
		requests = append(requests, requestFor(&aliases.Items[i]))
	}
	return requests
}

func requestFor(object client.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}}
}

// visibleChange lets an update pass if what aliases see of the object differs, and anything else always. It
// spares the aliases of a check the writes that only move its counters.
func visibleChange(see func(client.Object) any) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !equality.Semantic.DeepEqual(see(e.ObjectOld), see(e.ObjectNew))
	}}
}

func whatAliasesSeeOfHealthChecks(object client.Object) any {
	check := object.(*v1alpha1.HealthCheck)
	annotation, annotated := check.Annotations[v1alpha1.AnnotationMaintenance]
	return struct {
		UID         types.UID
		Labels      map[string]string
		Service     *v1alpha1.LocalServiceReference
		Node        string
		Status      v1alpha1.CheckStatus
		Maintenance string
		Annotated   bool
	}{check.UID, check.Labels, check.Spec.ServiceRef, check.Spec.NodeName, check.Status.CheckStatus, annotation, annotated}
}
