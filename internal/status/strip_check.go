package status

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// ourAnnotations is the prefix of the annotations that are read.
const ourAnnotations = "health.aliascheck.dev/"

// StripCheck is the cache transform of checks: without managed fields, and of the annotations only ours. They are most of
// what a check could keep in memory: the copy of the spec that `kubectl apply` leaves, and up to 256 KiB of whatever
// anybody likes. A write of the status takes nothing of them.
func StripCheck(object any) (any, error) {
	object, err := cache.TransformStripManagedFields()(object)
	if err != nil {
		return nil, err
	}
	// An object that comes again was stripped already, and others read it: then it is left alone.
	check, err := meta.Accessor(object)
	if err != nil {
		return object, nil //nolint:nilerr // the tombstone of a check that was deleted unseen
	}
	if foreign := slices.ContainsFunc(slices.Collect(maps.Keys(check.GetAnnotations())), isForeign); foreign {
		ours := maps.Clone(check.GetAnnotations())
		maps.DeleteFunc(ours, func(name, _ string) bool { return isForeign(name) })
		check.SetAnnotations(ours)
	}
	return object, nil
}

func isForeign(annotation string) bool { return !strings.HasPrefix(annotation, ourAnnotations) }
