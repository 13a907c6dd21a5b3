package readinessgate

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=aliaschecks.health.aliascheck.dev,verbs=get,roleName=readiness-gates-role

// The kind that gates hang on, as the API server knows it.
const (
	aliasResource = "aliaschecks"
	aliasCRD      = aliasResource + ".health.aliascheck.dev"
)

// Uninstall tells whether AliasCheck is being uninstalled. Whoever deletes its CRD deletes all aliases with it, and
// the manager may outlive them: without this it would close every gate, and nobody would be left to open them.
//
// It reads live. The deletion of a CRD is stored before the first alias goes, so an answer that was asked for after an alias
// was missed is never too early; a watch of CRDs would race with that of aliases.
type Uninstall struct {
	// CRDs reads CRDs, past every cache; nil where the manager has rights in some namespaces only, which no CRD is in.
	CRDs client.Reader
	// Discovery says which kinds are served, and with which verbs, to everybody. It is a moment behind the CRDs, so it is
	// asked only where those must not be read.
	Discovery discovery.ServerResourcesInterfaceWithContext
}

// UnderWay reports whether the CRD of AliasCheck is being deleted, or is gone.
func (u Uninstall) UnderWay(ctx context.Context) (bool, error) {
	if u.CRDs == nil {
		return u.discovered(ctx)
	}
	crd := &metav1.PartialObjectMetadata{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	err := u.CRDs.Get(ctx, client.ObjectKey{Name: aliasCRD}, crd)
	switch {
	case apierrors.IsForbidden(err): // the manifest is older than this manager
		return u.discovered(ctx)
	case apierrors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("reading the CRD of AliasCheck: %w", err)
	}
	return !crd.DeletionTimestamp.IsZero(), nil
}

// discovered asks discovery: a kind whose CRD is being deleted is served without create.
func (u Uninstall) discovered(ctx context.Context) (bool, error) {
	served, err := u.Discovery.ServerResourcesForGroupVersionWithContext(ctx, v1alpha1.GroupVersion.String())
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether AliasCheck is served: %w", err)
	}
	creatable := slices.ContainsFunc(served.APIResources, func(resource metav1.APIResource) bool {
		return resource.Name == aliasResource && slices.Contains(resource.Verbs, "create")
	})
	return !creatable, nil
}

// closes reports whether one of these conditions closes a gate, or says why one is closed.
func closes(due []corev1.PodCondition) bool {
	return slices.ContainsFunc(due, func(condition corev1.PodCondition) bool { return condition.Status != corev1.ConditionTrue })
}
