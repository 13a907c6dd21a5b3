package target

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Field indexes of AliasChecks. Every edge finds the aliases that it concerns by one of them.
const (
	// ByTarget is the index of aliases by the Key of their target.
	ByTarget = "target"
)

// Key of a target in the index. It has no version in it: an object is the same one in all of them.
func Key(kind schema.GroupKind, namespace, name string) string {
	return kind.String() + "/" + namespace + "/" + name
}

// AddIndexes registers the field indexes that edges and reads go by.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	indexes := []struct {
		object client.Object
		field  string
		keys   client.IndexerFunc
	}{
		{&v1alpha1.AliasCheck{}, ByTarget, keyOfTarget},
	}
	for _, index := range indexes {
		if err := indexer.IndexField(ctx, index.object, index.field, index.keys); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", index.object, index.field, err)
		}
	}
	return nil
}

func keyOfTarget(object client.Object) []string {
	ref, ok := ReferenceOf(object.(*v1alpha1.AliasCheck))
	if !ok {
		return nil
	}
	return []string{Key(ref.GroupKind(), ref.Namespace, ref.Name)}
}
