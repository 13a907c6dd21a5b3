package target

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// neverRead are kinds that cannot be targets, whatever the manager's ClusterRole says.
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
	// Among says that it is one of several.
	Among bool
	// ConditionStatus is the status of it that is healthy; empty for True.
	ConditionStatus metav1.ConditionStatus
	// Health are rules of the alias's own; empty if those of the kind decide.
	Health []v1alpha1.Rule
	// Unreported is the state of a target that says nothing of its health.
	Unreported v1alpha1.State
	// At is when it is looked at.
	At time.Time
}

// ReferenceOf is the one target of an alias; false for one that combines several, or has a selector.
func ReferenceOf(alias *v1alpha1.AliasCheck) (Reference, bool) {
	if alias.Spec.TargetRef == nil {
		return Reference{}, false
	}
	return referenceTo(alias.Spec.TargetRef, alias), true
}

// ReferencesOf are all targets that an alias names, each once; an alias with a selector names nothing.
func ReferencesOf(alias *v1alpha1.AliasCheck) []Reference {
	if ref, ok := ReferenceOf(alias); ok {
		return []Reference{ref}
	}
	refs := make([]Reference, 0, len(alias.Spec.Targets))
	for i := range alias.Spec.Targets {
		ref := referenceTo(&alias.Spec.Targets[i], alias)
		ref.Among = true
		if !slices.ContainsFunc(refs, ref.same) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// same reports whether two references of an alias are one, however they are written: with a default spelled out, admission takes
// the second one too, and what is counted twice would be two of those that minReady asks for.
func (r Reference) same(other Reference) bool {
	r.Explicit, r.ConditionStatus = other.Explicit, cmp.Or(r.ConditionStatus, metav1.ConditionTrue)
	other.ConditionStatus = cmp.Or(other.ConditionStatus, metav1.ConditionTrue)
	return reflect.DeepEqual(r, other)
}

func referenceTo(ref *v1alpha1.TargetReference, alias *v1alpha1.AliasCheck) Reference {
	r := Reference{
		GroupVersionKind: kindOf(ref),
		Namespace:        ref.Namespace,
		Name:             ref.Name,
		Explicit:         ref.Namespace != "",
		Home:             alias.Namespace,
		ConditionType:    ref.ConditionType,
		ConditionStatus:  ref.ConditionStatus,
		Health:           ref.Health,
		Unreported:       alias.Spec.WhenUnreported,
	}
	if r.Namespace == "" && r.GroupVersionKind != wellKnown[kindNode] {
		r.Namespace = alias.Namespace
	}
	return r
}

// maxDisplayed is how many of several targets a status shows by name.
const maxDisplayed = 2

// DisplayOf is what an alias mirrors in short, for its status: HealthCheck/web, or HealthCheck/web, Node/worker-1 and 3
// more, or selector team=shop.
func DisplayOf(alias *v1alpha1.AliasCheck) string {
	if alias.Spec.Selector != nil {
		selector, err := SelectorOf(alias)
		if err != nil {
			return "selector"
		}
		return displaySelector(selector)
	}
	refs := ReferencesOf(alias)
	var names []string
	for _, ref := range refs[:min(len(refs), maxDisplayed)] {
		names = append(names, ref.String())
	}
	text := strings.Join(names, ", ")
	if more := len(refs) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
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

func (r Reference) toAlias() bool { return r.GroupVersionKind == wellKnown[kindAliasCheck] }

// culprit names the target as what is to blame.
func (r Reference) culprit() *v1alpha1.Culprit {
	return &v1alpha1.Culprit{APIVersion: r.GroupVersion().String(), Kind: r.Kind, Name: r.Name, Namespace: r.Namespace}
}
