package target

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Field indexes. Every edge finds the aliases that it concerns by one of those of AliasChecks, and every
// aggregate its members by one of the others, so that neither reads what it does not need.
const (
	// ByTarget finds aliases by the Key of any of their targets.
	ByTarget = "target"
	// ByForeignNamespace finds aliases by the namespaces of their targets that are not their own.
	ByForeignNamespace = "foreignNamespace"
	// BySelector finds the aliases with a selector by one of the SelectorKeys of every check that they may select. The
	// same key has others too, so their selectors have to be asked.
	BySelector = "selector"

	byService = "service"
	byNode    = "node"
	byLabel   = "label"
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
		{&v1alpha1.AliasCheck{}, ByTarget, ofAlias(targetKeys)},
		{&v1alpha1.AliasCheck{}, ByForeignNamespace, ofAlias(foreignNamespace)},
		{&v1alpha1.AliasCheck{}, BySelector, selectorKeys},
		{&v1alpha1.HealthCheck{}, byService, serviceOfCheck},
		{&v1alpha1.HealthCheck{}, byNode, nodeOfCheck},
		{&v1alpha1.HealthCheck{}, byLabel, labelsOfCheck},
		{&v1alpha1.AliasCheck{}, byLabel, labelsOfCheck},
		{&discoveryv1.EndpointSlice{}, byService, serviceOfSlice},
	}
	for _, index := range indexes {
		if err := indexer.IndexField(ctx, index.object, index.field, index.keys); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", index.object, index.field, err)
		}
	}
	return nil
}

func ofAlias(keys func(Reference) []string) client.IndexerFunc {
	return func(object client.Object) []string {
		var all []string
		for _, ref := range ReferencesOf(object.(*v1alpha1.AliasCheck)) {
			for _, key := range keys(ref) {
				if !slices.Contains(all, key) { // two conditions of one object
					all = append(all, key)
				}
			}
		}
		return all
	}
}

// targetKeys has a second key, without namespace, where the target may be cluster-scoped.
func targetKeys(ref Reference) []string {
	keys := []string{Key(ref.GroupKind(), ref.Namespace, ref.Name)}
	if ref.WatchedByKind() && !ref.Explicit {
		keys = append(keys, Key(ref.GroupKind(), "", ref.Name))
	}
	return keys
}

func foreignNamespace(ref Reference) []string {
	if !ref.Crosses() {
		return nil
	}
	return []string{ref.Namespace}
}

// anyLabels is the key of the aliases whose selector asks for no label.
const anyLabels = "*"

// SelectorKeys are the keys of all aliases that may select an object with these labels, and of some that do not.
func SelectorKeys(labels map[string]string) []string {
	return append(labelKeys(labels), anyLabels)
}

// labelKeys has a key for each label with its value, and one for each with any value. They are buckets, each once: an
// object may have tens of thousands of labels.
func labelKeys(labels map[string]string) []string {
	seen := make(map[string]bool, min(2*len(labels), labelBuckets))
	for name, value := range labels {
		seen[bucketOf(labelKey(name, value))] = true
		seen[bucketOf(name)] = true
	}
	return slices.AppendSeq(make([]string, 0, len(seen)+1), maps.Keys(seen))
}

func labelKey(name, value string) string { return name + "=" + value }

// labelBuckets bounds what the index costs for one object, as Kubernetes limits the size of an object and not the number
// of its labels: an entry for each of 30,000 labels was 75 MiB. Whoever reads a bucket matches its objects again.
const labelBuckets = 1024

func bucketOf(key string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key)) // it never fails
	return strconv.Itoa(int(hash.Sum32() % labelBuckets))
}

func bucketsOf(keys []string) []string {
	buckets := make([]string, 0, len(keys))
	for _, key := range keys {
		if bucket := bucketOf(key); !slices.Contains(buckets, bucket) {
			buckets = append(buckets, bucket)
		}
	}
	return buckets
}

func selectorKeys(object client.Object) []string {
	alias := object.(*v1alpha1.AliasCheck)
	selector, err := SelectorOf(alias)
	if alias.Spec.Selector == nil || err != nil {
		return nil
	}
	if _, keys := wantedLabel(selector); len(keys) > 0 {
		return bucketsOf(keys)
	}
	return []string{anyLabels}
}

func labelsOfCheck(object client.Object) []string { return labelKeys(object.GetLabels()) }

func serviceOfCheck(object client.Object) []string {
	ref := object.(*v1alpha1.HealthCheck).Spec.ServiceRef
	if ref == nil {
		return nil
	}
	return []string{ref.Name}
}

func nodeOfCheck(object client.Object) []string {
	name := object.(*v1alpha1.HealthCheck).Spec.NodeName
	if name == "" {
		return nil
	}
	return []string{name}
}

func serviceOfSlice(object client.Object) []string {
	name := object.GetLabels()[discoveryv1.LabelServiceName]
	if name == "" {
		return nil
	}
	return []string{name}
}
