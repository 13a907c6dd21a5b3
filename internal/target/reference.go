package target

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Kinds that a reference may name without an apiVersion.
const (
	kindHealthCheck = "HealthCheck"
	kindAliasCheck  = "AliasCheck"
	kindService     = "Service"
	kindNode        = "Node"
)

// GroupKinds whose events the manager always watches.
var (
	HealthCheckKind = v1alpha1.GroupVersion.WithKind(kindHealthCheck).GroupKind()
	AliasCheckKind  = v1alpha1.GroupVersion.WithKind(kindAliasCheck).GroupKind()
	ServiceKind     = schema.GroupKind{Kind: kindService}
	NodeKind        = schema.GroupKind{Kind: kindNode}
)

var wellKnown = map[string]schema.GroupVersionKind{
	kindHealthCheck: HealthCheckKind.WithVersion(v1alpha1.GroupVersion.Version),
	kindAliasCheck:  AliasCheckKind.WithVersion(v1alpha1.GroupVersion.Version),
	kindService:     ServiceKind.WithVersion("v1"),
	kindNode:        NodeKind.WithVersion("v1"),
}

// neverRead are kinds that are no target, whatever the manager's ClusterRole says.
var neverRead = []schema.GroupKind{{Kind: "Secret"}, {Kind: "ConfigMap"}}

// Reference is a target with all defaults filled in.
type Reference struct {
	schema.GroupVersionKind
	// Namespace of the target: the alias's own by default, empty for a Node. That of a cluster-scoped target
	// of another kind means nothing; the API server alone knows that it is one.
	Namespace, Name string
	// Explicit says that the alias itself names the namespace.
	Explicit bool
	// Home is the namespace of the alias.
	Home string
	// ConditionType is the one condition to mirror; empty for the target's health.
	ConditionType string
}

// ReferenceOf is the target of an alias; false for one with a selector.
func ReferenceOf(alias *v1alpha1.AliasCheck) (Reference, bool) {
	ref := alias.Spec.TargetRef
	if ref == nil {
		return Reference{}, false
	}
	r := Reference{
		GroupVersionKind: kindOf(ref),
		Namespace:        ref.Namespace,
		Name:             ref.Name,
		Explicit:         ref.Namespace != "",
		Home:             alias.Namespace,
		ConditionType:    ref.ConditionType,
	}
	if r.Namespace == "" && r.GroupVersionKind != wellKnown[kindNode] {
		r.Namespace = alias.Namespace
	}
	return r, true
}

func kindOf(ref *v1alpha1.TargetReference) schema.GroupVersionKind {
	kind := ref.Kind
	if kind == "" {
		kind = kindHealthCheck
	}
	if ref.APIVersion == "" {
		return wellKnown[kind]
	}
	return schema.FromAPIVersionAndKind(ref.APIVersion, kind)
}

// WatchedByKind reports whether the target is of a kind that is watched only while an alias needs it.
func (r Reference) WatchedByKind() bool {
	return r.GroupVersionKind != wellKnown[r.Kind] && !slices.Contains(neverRead, r.GroupKind())
}

// Crosses reports whether the target is in another namespace than the alias.
func (r Reference) Crosses() bool { return r.Namespace != "" && r.Namespace != r.Home }

// String is the reference in short, as its alias shows it: HealthCheck/web, Service/shop/web.
func (r Reference) String() string {
	if !r.Crosses() {
		return r.Kind + "/" + r.Name
	}
	return r.Kind + "/" + r.Namespace + "/" + r.Name
}

func (r Reference) key() types.NamespacedName {
	return types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
}

// scoped is the reference without a namespace where objects of its kind have none.
func (r Reference) scoped(namespaced bool) Reference {
	if !namespaced {
		r.Namespace = ""
	}
	return r
}

// culprit names the target as what is to blame.
func (r Reference) culprit() *v1alpha1.Culprit {
	return &v1alpha1.Culprit{APIVersion: r.GroupVersion().String(), Kind: r.Kind, Name: r.Name, Namespace: r.Namespace}
}
