package evidence

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// ReasonNoVerdict is the reason of an object which says nothing of its health that is understood.
const ReasonNoVerdict = "NoVerdict"

// Finding is the health of an object, as far as it shows.
type Finding struct {
	// State is empty where there is no evidence; then the alias's whenUnreported counts.
	State   v1alpha1.State
	Reason  string
	Message string
}

// Of is the health of an object of a kind with these rules; nil where the kind has none.
func Of(object *unstructured.Unstructured, set *rules.Set) Finding {
	if set != nil {
		if verdict := set.Evaluate(object.Object); verdict.Holds() {
			return Finding{State: verdict.State, Reason: verdict.Reason, Message: verdict.Message}
		}
	}
	return Finding{Reason: ReasonNoVerdict, Message: "give it a HealthRule, or spec.targetRef.health"}
}
