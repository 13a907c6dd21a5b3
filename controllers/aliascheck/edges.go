package aliascheck

import (
	"context"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/internal/target"
)

// aliasEdges maps a changed object to the aliases that it concerns.
type aliasEdges struct {
	client     client.Reader
	shard      shard.Shard
	dropEvents bool
	rests      *rests
}

// ofHealthCheck finds the aliases that mirror a check, and those that count it.
func ofHealthCheck(object client.Object) []lookup {
	check := object.(*v1alpha1.HealthCheck)
	lookups := []lookup{targeting(target.HealthCheckKind, check.Namespace, check.Name)}
	if check.Spec.ServiceRef != nil {
		lookups = append(lookups, targeting(target.ServiceKind, check.Namespace, check.Spec.ServiceRef.Name))
	}
	if check.Spec.NodeName != "" { // the aliases of a Node that count the checks of this namespace are in it
		ofNode := targeting(target.NodeKind, "", check.Spec.NodeName)
		ofNode.namespace = check.Namespace
		lookups = append(lookups, ofNode)
	}
	return append(lookups, selecting(v1alpha1.SelectHealthChecks, check)...)
}

// ofAlias finds the aliases that mirror an alias, or count it.
func ofAlias(alias client.Object) []lookup {
	return append(selecting(v1alpha1.SelectAliasChecks, alias),
		targeting(target.AliasCheckKind, alias.GetNamespace(), alias.GetName()))
}

func ofService(object client.Object) []lookup {
	return []lookup{targeting(target.ServiceKind, object.GetNamespace(), object.GetName())}
}

func ofEndpointSlice(object client.Object) []lookup {
	service := object.GetLabels()[discoveryv1.LabelServiceName]
	if service == "" {
		return nil
	}
	return []lookup{targeting(target.ServiceKind, object.GetNamespace(), service)}
}

func ofNode(object client.Object) []lookup {
	return []lookup{targeting(target.NodeKind, "", object.GetName())}
}

// targeting finds the aliases whose target an object is.
func targeting(kind schema.GroupKind, namespace, name string) lookup {
	return lookup{field: target.ByTarget, key: target.Key(kind, namespace, name)}
}

// selecting finds the aliases whose selector a check matches. Only those that want one of its labels, or no label, are
// looked at.
func selecting(kind v1alpha1.SelectorKind, check client.Object) []lookup {
	var lookups []lookup
	for _, key := range target.SelectorKeys(check.GetLabels()) {
		lookups = append(lookups, lookup{namespace: check.GetNamespace(), field: target.BySelector, key: key, kind: kind})
	}
	return lookups
}

// found are the aliases that an object concerns.
func (e aliasEdges) found(ctx context.Context, object client.Object, lookups []lookup) (all []*v1alpha1.AliasCheck) {
	for _, l := range lookups {
		concerned := func(alias *v1alpha1.AliasCheck) bool { return l.concerns(alias, []client.Object{object}) }
		all = append(all, e.list(ctx, concerned, l.options()...)...)
	}
	return all
}

// throughAlias are the aliases that reach an alias by any way: an edit of one may close or break a ring, or make a chain
// too deep, for all of them. It goes as far as an alias looks ahead; the resync finds those beyond.
func (e aliasEdges) throughAlias(ctx context.Context, object client.Object) []reconcile.Request {
	seen := map[reconcile.Request]bool{requestFor(object): true}
	var requests []reconcile.Request
	level, references := e.found(ctx, object, ofAlias(object)), 0
	for depth := 0; depth < target.MaxWalk && len(level) > 0; depth++ {
		var next []*v1alpha1.AliasCheck
		for _, alias := range level {
			request := requestFor(alias)
			if seen[request] || references > target.MaxReferences {
				continue
			}
			seen[request] = true
			if e.own(alias) {
				requests = append(requests, request)
			}
			referring := e.found(ctx, alias, ofAlias(alias))
			references += len(referring)
			next = append(next, referring...)
		}
		level = next
	}
	return requests
}

// ofWatched are the aliases that an event of a watched kind concerns.
func (e aliasEdges) ofWatched(ctx context.Context, event target.Event) []reconcile.Request {
	switch {
	case event.Name == "":
		return e.each(event.Users)
	case event.Kind == target.RuleKind:
		return append(e.each(event.Users), e.targeting(ctx, event.Kind, "", event.Name)...)
	case event.Kind == target.GrantKind:
		crossing := requestsFor(e.list(ctx, e.own, client.MatchingFields{target.ByForeignNamespace: event.Namespace}))
		return append(crossing, e.targeting(ctx, event.Kind, event.Namespace, event.Name)...)
	case event.Kind == target.NamespaceKind: // its label lets its aliases refer to cluster-scoped kinds, or no longer
		within := requestsFor(e.list(ctx, e.own, client.InNamespace(event.Name)))
		return append(within, e.targeting(ctx, event.Kind, "", event.Name)...)
	default:
		return e.targeting(ctx, event.Kind, event.Namespace, event.Name)
	}
}

func (e aliasEdges) each(aliases []types.NamespacedName) []reconcile.Request {
	if e.dropEvents {
		return nil
	}
	requests := make([]reconcile.Request, 0, len(aliases))
	for _, alias := range aliases {
		requests = append(requests, reconcile.Request{NamespacedName: alias})
	}
	return requests
}

// targeting are the aliases whose target this object is.
func (e aliasEdges) targeting(ctx context.Context, kind schema.GroupKind, namespace, name string) []reconcile.Request {
	return requestsFor(e.list(ctx, e.own, targeting(kind, namespace, name).options()...))
}

// own reports whether an alias is of the manager's shard. Edges go through those of other shards, and end at its own.
func (e aliasEdges) own(alias *v1alpha1.AliasCheck) bool { return e.shard.Has(alias) }

// list reads aliases out of the cache without a copy: one check may have thousands.
func (e aliasEdges) list(
	ctx context.Context, concerned func(*v1alpha1.AliasCheck) bool, options ...client.ListOption,
) []*v1alpha1.AliasCheck {
	if e.dropEvents {
		return nil
	}
	aliases := &v1alpha1.AliasCheckList{}
	if err := e.client.List(ctx, aliases, append(options, client.UnsafeDisableDeepCopy)...); err != nil {
		// Nothing is lost but time: the resync looks at every alias.
		logf.FromContext(ctx).Error(err, "Edge lost: listing the aliases that a change concerns")
		return nil
	}
	found := make([]*v1alpha1.AliasCheck, 0, len(aliases.Items))
	for i := range aliases.Items {
		if concerned(&aliases.Items[i]) {
			found = append(found, &aliases.Items[i])
		}
	}
	return found
}

func requestsFor(aliases []*v1alpha1.AliasCheck) []reconcile.Request {
	requests := make([]reconcile.Request, 0, len(aliases))
	for _, alias := range aliases {
		requests = append(requests, requestFor(alias))
	}
	return requests
}
