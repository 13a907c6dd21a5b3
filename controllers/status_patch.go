package controllers

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// statusPatch replaces the status of the object that still has this resourceVersion, and is a conflict for any later
// one. It is a JSON patch (RFC 6902), whose "add" replaces a member that is there: unlike a merge patch it needs no
// difference of two whole objects, which was an eighth of what the manager allocated while many aliases followed a check.
type statusPatch struct{ resourceVersion string }

var _ client.Patch = statusPatch{}

// Type implements client.Patch.
func (statusPatch) Type() types.PatchType { return types.JSONPatchType }

// Data implements client.Patch.
func (p statusPatch) Data(object client.Object) ([]byte, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	return json.Marshal([]operation{
		{"replace", "/metadata/resourceVersion", p.resourceVersion},
		{"add", "/status", wholeStatus(object)},
	})
}

// wholeStatus is the status of a check of either kind.
func wholeStatus(check client.Object) any {
	switch check := check.(type) {
	case *v1alpha1.HealthCheck:
		return &check.Status
	case *v1alpha1.AliasCheck:
		return &check.Status
	default:
		return nil
	}
}
