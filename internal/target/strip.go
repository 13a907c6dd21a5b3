package target

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// strip keeps of an object what its health is read from: identity, generation and deletion, the annotation
// for maintenance, the fields of the spec that kstatus knows, and of the status the conditions, or all of it
// where kstatus has rules for the kind. A list of ten thousand Deployments is then a few megabytes.
func strip(object any) (any, error) {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return object, nil
	}
	kept := map[string]any{"apiVersion": u.GetAPIVersion(), "kind": u.GetKind()}
	keep(kept, u.Object, "metadata", "name", "namespace", "uid", "resourceVersion", "generation",
		"creationTimestamp", "deletionTimestamp")
	if reason, in := u.GetAnnotations()[v1alpha1.AnnotationMaintenance]; in {
		metadata, _ := kept["metadata"].(map[string]any)
		metadata["annotations"] = map[string]any{v1alpha1.AnnotationMaintenance: reason}
	}
	if u.GroupVersionKind().GroupKind() == GrantKind {
		keep(kept, u.Object, "spec", "from", "to")
		return &unstructured.Unstructured{Object: kept}, nil
	}
	keep(kept, u.Object, "spec", "replicas", "updateStrategy", "progressDeadlineSeconds", "parallelism", "completions")
	stripStatus(kept, u)
	return &unstructured.Unstructured{Object: kept}, nil
}

func stripStatus(kept map[string]any, u *unstructured.Unstructured) {
	if kstatus.GetLegacyConditionsFn(u) != nil {
		if status, there := u.Object["status"]; there {
			kept["status"] = status
		}
		return
	}
	keep(kept, u.Object, "status", "observedGeneration", "conditions")
}

// keep copies some fields of a part. A part that is no map is as good as absent.
func keep(kept, object map[string]any, part string, fields ...string) {
	from, ok := object[part].(map[string]any)
	if !ok {
		return
	}
	to := map[string]any{}
	for _, field := range fields {
		if value, there := from[field]; there {
			to[field] = value
		}
	}
	kept[part] = to
}

// sameHealth reports whether two stripped versions of an object look the same to every alias.
func sameHealth(before, after any) bool {
	a, aOK := before.(*unstructured.Unstructured)
	b, bOK := after.(*unstructured.Unstructured)
	if !aOK || !bOK {
		return false
	}
	return a.GetUID() == b.GetUID() && a.GetGeneration() == b.GetGeneration() &&
		a.GetDeletionTimestamp().Equal(b.GetDeletionTimestamp()) &&
		equality.Semantic.DeepEqual(a.GetAnnotations(), b.GetAnnotations()) &&
		equality.Semantic.DeepEqual(a.Object["spec"], b.Object["spec"]) &&
		equality.Semantic.DeepEqual(a.Object["status"], b.Object["status"])
}
