package target

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// GrantKind is the ReferenceGrant of the Gateway API, by which a namespace consents to references from others.
var GrantKind = schema.GroupKind{Group: gatewayv1.GroupName, Kind: "ReferenceGrant"}

// grantVersions have the same fields; the first that is installed is read.
var grantVersions = []string{"v1", "v1beta1"}

// permitted reports whether a reference stays at home or has the consent of the namespace that it goes to.
// Where no ReferenceGrant can be read there is no consent.
func (o *Observer) permitted(ref Reference, kinds *lease) (bool, error) {
	if !ref.Crosses() {
		return true, nil
	}
	if !o.watches(ref.Namespace) {
		return false, nil
	}
	return kinds.granted(passage{
		fromKind: kindAliasCheck, fromNamespace: ref.Home, to: ref.GroupKind(), toNamespace: ref.Namespace, toName: ref.Name,
	})
}

// passage is what a namespace is asked to consent to: that objects of a kind and a namespace refer to one of its own.
type passage struct {
	fromKind, fromNamespace string
	to                      schema.GroupKind
	toNamespace, toName     string
}

// granted reports whether a ReferenceGrant of the namespace that a passage goes to consents to it.
func (l *lease) granted(p passage) (bool, error) {
	for _, version := range grantVersions {
		grants, err := l.list(GrantKind.WithVersion(version), p.toNamespace)
		switch {
		case errors.Is(err, errNotInstalled), errors.Is(err, errUnsupported):
			continue
		case errors.Is(err, errForbidden):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("reading the ReferenceGrants of namespace %s: %w", p.toNamespace, err)
		}
		return slices.ContainsFunc(grants, func(g *unstructured.Unstructured) bool { return allows(g, p) }), nil
	}
	return false, nil
}

// withoutConsent says nothing of the target, nor of its namespace. That its kind has no namespaces is no
// secret, and consent does not help then.
func (o *Observer) withoutConsent(ref Reference, kinds *lease) (health.Observation, error) {
	clusterScoped, err := kinds.clusterScoped(ref)
	switch {
	case err != nil:
		return health.Observation{}, err
	case clusterScoped:
		return ofClusterScoped(ref), nil
	case !o.watches(ref.Namespace):
		return outOfSight(ref), nil
	default:
		return notPermitted(ref), nil
	}
}

// watches reports whether the manager sees what is in a namespace, grants included.
func (o *Observer) watches(namespace string) bool {
	return len(o.Namespaces) == 0 || slices.Contains(o.Namespaces, namespace)
}

func allows(object *unstructured.Unstructured, p passage) bool {
	grant := gatewayv1.ReferenceGrant{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &grant); err != nil {
		return false
	}
	return grantAllows(grant.Spec, p)
}

func grantAllows(spec gatewayv1.ReferenceGrantSpec, p passage) bool {
	return slices.ContainsFunc(spec.From, func(from gatewayv1.ReferenceGrantFrom) bool {
		return string(from.Group) == v1alpha1.GroupVersion.Group && string(from.Kind) == p.fromKind &&
			string(from.Namespace) == p.fromNamespace
	}) && slices.ContainsFunc(spec.To, func(to gatewayv1.ReferenceGrantTo) bool {
		return string(to.Group) == p.to.Group && string(to.Kind) == p.to.Kind &&
			(to.Name == nil || *to.Name == "" || string(*to.Name) == p.toName)
	})
}
