package target

import (
	"slices"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// FailingSinceFunc says since when lists and watches of a kind have failed in a namespace: zero while they do not.
type FailingSinceFunc func(kind schema.GroupVersionKind, namespace string) time.Time

// origin is a kind in a namespace that something was read from.
type origin struct {
	kind      schema.GroupVersionKind
	namespace string
}

var endpointSlices = discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice")

// origins are the kinds, of those that are always watched, which a target is read from.
func origins(ref Reference) []origin {
	switch ref.GroupVersionKind {
	case wellKnown[kindHealthCheck], wellKnown[kindAliasCheck]:
		return []origin{{ref.GroupVersionKind, ref.Namespace}}
	case wellKnown[kindService]:
		return []origin{
			{ref.GroupVersionKind, ref.Namespace},
			{endpointSlices, ref.Namespace},
			{wellKnown[kindHealthCheck], ref.Namespace},
		}
	case wellKnown[kindNode]:
		return []origin{{ref.GroupVersionKind, ""}, {wellKnown[kindHealthCheck], ref.Home}}
	default:
		return nil
	}
}

// failingSince is the earliest failure of what an observation was read from. One without consent was read from
// ReferenceGrants alone.
func (o *Observer) failingSince(read []origin) time.Time {
	first := time.Time{}
	for _, r := range read {
		since := o.FailingSince(r.kind, r.namespace)
		if !since.IsZero() && (first.IsZero() || since.Before(first)) {
			first = since
		}
	}
	return first
}

// readOf is all that the observation of one target was read from.
func (r *reading) readOf(ref Reference, problem string) []origin {
	read := slices.Clone(r.kinds.read)
	if problem == v1alpha1.ReasonRefNotPermitted {
		return read
	}
	if ref.toAlias() {
		read = append(read, r.walked...)
	}
	return append(read, origins(ref)...)
}

// readBySelector is what the checks were read from that a selector selects.
func (r *reading) readBySelector() []origin {
	read := slices.Clone(r.walked)
	for _, kind := range selectedKinds(r.alias) {
		read = append(read, origin{wellKnown[string(kind)], r.alias.Namespace})
	}
	return read
}

// readByAll is what all aliases were read from that are reached.
func (r *reading) readByAll() []origin {
	read := r.walked
	if r.alias.Spec.Selector != nil {
		return r.readBySelector()
	}
	for _, ref := range ReferencesOf(r.alias) {
		if ref.toAlias() {
			read = append(read, origins(ref)...)
		}
	}
	return read
}
