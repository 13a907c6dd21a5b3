package target

import (
	"maps"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// needs are what is read of the objects of a kind.
type needs struct {
	fields *rules.Fields
	// general says that some alias goes by the general evidence, as all do of a kind without rules.
	general bool
}

// identity is what is read of every object: what it is, whether it is being deleted, and its conditions, which an alias may
// ask for one by one.
var identity = rules.FieldsOf(
	[]string{"apiVersion"}, []string{"kind"},
	[]string{"metadata", "name"}, []string{"metadata", "namespace"}, []string{"metadata", "uid"},
	[]string{"metadata", "resourceVersion"}, []string{"metadata", "generation"},
	[]string{"metadata", "creationTimestamp"}, []string{"metadata", "deletionTimestamp"},
	[]string{"metadata", "annotations", v1alpha1.AnnotationMaintenance},
	[]string{"metadata", "annotations", v1alpha1.AnnotationMaintenanceUntil},
	[]string{"status", "observedGeneration"}, []string{"status", "desiredGeneration"}, []string{"status", "lastGeneration"},
).Union(evidence.FieldsOfConditions("status", "conditions"))

var (
	ofGrants = rules.FieldsOf([]string{"spec", "from"}, []string{"spec", "to"})
	ofRules  = rules.FieldsOf([]string{"spec"})
)

// read is what an alias of a kind reads if these rules decide; nil if it has no rules.
func read(kind schema.GroupKind, set *rules.Set) needs {
	n := needs{fields: identity, general: set == nil}
	if set == nil {
		n.fields = n.fields.Union(evidence.Fields)
	} else {
		n.fields = n.fields.Union(set.Kept())
	}
	switch kind {
	case GrantKind:
		n.fields = n.fields.Union(ofGrants)
	case RuleKind:
		n.fields = n.fields.Union(ofRules)
	}
	return n
}

func (n needs) union(other needs) needs {
	return needs{fields: n.fields.Union(other.fields), general: n.general || other.general}
}

// has reports whether an alias with other needs finds all that it reads.
func (n needs) has(other needs) bool {
	return n.fields.Has(other.fields) && (n.general || !other.general)
}

// strip is the transform of a cache that keeps of each object what is needed. A list of ten thousand Deployments is then
// a few megabytes.
func (n needs) strip() toolscache.TransformFunc {
	return func(object any) (any, error) {
		u, ok := object.(*unstructured.Unstructured)
		if !ok {
			return object, nil
		}
		kept, _ := n.fields.Keep(u.Object).(map[string]any)
		evidence.Keep(kept, u.Object, n.general)
		return &unstructured.Unstructured{Object: kept}, nil
	}
}

// sameHealth reports whether two stripped versions of an object look the same to every alias: nothing differs of what was
// kept, but the version itself.
func sameHealth(before, after any) bool {
	a, aOK := before.(*unstructured.Unstructured)
	b, bOK := after.(*unstructured.Unstructured)
	return aOK && bOK && reflect.DeepEqual(withoutVersion(a.Object), withoutVersion(b.Object))
}

func withoutVersion(object map[string]any) map[string]any {
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return object
	}
	shallow := maps.Clone(object)
	metadata = maps.Clone(metadata)
	delete(metadata, "resourceVersion")
	shallow["metadata"] = metadata
	return shallow
}
