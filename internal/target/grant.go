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
	for _, version := range grantVersions {
		grants, err := kinds.list(GrantKind.WithVersion(version), ref.Namespace)
		switch {
		case errors.Is(err, errNotInstalled), errors.Is(err, errUnsupported):
			continue
		case errors.Is(err, errForbidden):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("reading the ReferenceGrants of namespace %s: %w", ref.Namespace, err)
		}
		return slices.ContainsFunc(grants, func(g *unstructured.Unstructured) bool { return allows(g, ref) }), nil
	}
	return false, nil
}

// withoutConsent says nothing of the target, nor of its namespace. That its kind has no namespaces is a secret of none,
// and consent is no help then.
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

func allows(object *unstructured.Unstructured, ref Reference) bool {
	grant := gatewayv1.ReferenceGrant{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &grant); err != nil {
		return false
	}
	return grantAllows(grant.Spec, ref)
}

// grantAllows reports whether a grant is to AliasChecks of the reference's home, for its target.
func grantAllows(spec gatewayv1.ReferenceGrantSpec, ref Reference) bool {
	return slices.ContainsFunc(spec.From, func(from gatewayv1.ReferenceGrantFrom) bool {
		return string(from.Group) == v1alpha1.GroupVersion.Group && from.Kind == kindAliasCheck &&
			string(from.Namespace) == ref.Home
	}) && slices.ContainsFunc(spec.To, func(to gatewayv1.ReferenceGrantTo) bool {
		return string(to.Group) == ref.Group && string(to.Kind) == ref.Kind &&
			(to.Name == nil || *to.Name == "" || string(*to.Name) == ref.Name)
	})
}
