package status

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// StripCheck is the cache transform of checks: without managed fields, and without the copy of the spec that
// `kubectl apply` leaves in an annotation. Both are most of what a check would keep in memory, and nobody reads them.
func StripCheck(object any) (any, error) {
	object, err := cache.TransformStripManagedFields()(object)
	if err != nil {
		return nil, err
	}
	// An object that comes again was stripped already, and others read it: then it is left alone, for a deletion is a
	// write to the map even where there is nothing to delete.
	if check, err := meta.Accessor(object); err == nil {
		if _, applied := check.GetAnnotations()[corev1.LastAppliedConfigAnnotation]; applied { //nolint:staticcheck // S1033
			delete(check.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
		}
	}
	return object, nil
}
