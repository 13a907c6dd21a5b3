package target

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Kinds that a reference may name without an apiVersion.
const (
	kindHealthCheck = "HealthCheck"
	kindAliasCheck  = "AliasCheck"
	kindService     = "Service"
	kindNode        = "Node"
)

var wellKnown = map[string]schema.GroupVersionKind{
	kindHealthCheck: v1alpha1.GroupVersion.WithKind(kindHealthCheck),
	kindAliasCheck:  v1alpha1.GroupVersion.WithKind(kindAliasCheck),
	kindService:     {Version: "v1", Kind: kindService},
	kindNode:        {Version: "v1", Kind: kindNode},
}

// Reference is a target with all defaults filled in.
type Reference struct {
	schema.GroupVersionKind
	// Namespace of the target: the alias's own by default, empty for a Node.
	Namespace, Name string
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

// String is the reference in short, as its alias shows it: HealthCheck/web, Service/shop/web.
func (r Reference) String() string {
	if r.Namespace == "" || r.Namespace == r.Home {
		return r.Kind + "/" + r.Name
	}
	return r.Kind + "/" + r.Namespace + "/" + r.Name
}

// culprit names the target as what is to blame.
func (r Reference) culprit() *v1alpha1.Culprit {
	return &v1alpha1.Culprit{Kind: r.Kind, Name: r.Name, Namespace: r.Namespace}
}
