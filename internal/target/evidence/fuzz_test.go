package evidence

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// I9: whatever another controller wrote into an object, looking at it does not panic, and what is said of it can be
// written: a state that there is or none, and a reason that a condition may have.
func FuzzOf(f *testing.F) {
	for _, body := range []string{
		`{}`,
		`{"status":{"conditions":[7,null,{"type":"Ready","status":true}],"replicas":1.5,"readyReplicas":"1"}}`,
		`{"status":{"conditions":{"type":"Ready"},"health":{"status":7},"phase":"failed"},"metadata":{"generation":"2"}}`,
		`{"spec":[],"status":{"parents":[{"conditions":[{"type":"Accepted","status":"False","observedGeneration":"9"}]},null]}}`,
		`{"status":"none","metadata":[]}`,
	} {
		f.Add("", "Widget", body)
		f.Add("apps", "Deployment", body)
		f.Add("", "Pod", body)
	}
	f.Fuzz(func(t *testing.T, group, kind, body string) {
		object := &unstructured.Unstructured{}
		if json.Unmarshal([]byte(body), &object.Object) != nil || object.Object == nil {
			return
		}
		found := Of(object, rules.BuiltIn(schema.GroupKind{Group: group, Kind: kind}))
		if ReasonOr(found.Reason, "none") == "none" || found.Message == "" {
			t.Errorf("reason %q, message %q", found.Reason, found.Message)
		}
		switch found.State {
		case "", v1alpha1.StatePassing, v1alpha1.StateWarning, v1alpha1.StateCritical, v1alpha1.StateUnknown, v1alpha1.StateMaintenance:
		default:
			t.Errorf("state %q", found.State)
		}
		if found.State == v1alpha1.StatePassing && object.GetDeletionTimestamp() != nil {
			t.Errorf("Passing while it is being deleted: %s", found.Message)
		}
	})
}
