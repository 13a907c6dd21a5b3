package evidence

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// Finding is the health of an object, as far as it shows.
type Finding struct {
	// State is empty where there is no evidence; then the alias's whenUnreported counts.
	State   v1alpha1.State
	Reason  string
	Message string
	// Since is when what decided took its value; zero where the object does not say.
	Since time.Time
	// By is what decided, in short: rules[2], condition Ready, status.phase. It is empty where nothing did.
	By string
}

// Of is the health of an object of a kind with these rules; nil where the kind has none. The first row that fits decides.
// Maintenance is not looked at: it is what an operator says, and not evidence.
func Of(object *unstructured.Unstructured, set *rules.Set) Finding {
	r := read(object)
	rows := generic
	if set != nil {
		rows = []row{terminating, byRules(set)}
	}
	for _, fits := range rows {
		if finding, ok := fits(r); ok {
			return finding
		}
	}
	return noVerdict(r)
}

// row is one row of the table of evidence. It is false where the row does not fit.
type row func(*reading) (Finding, bool)

// generic is the table for kinds without rules.
var generic = []row{
	terminating,
	nothingReported,
	badCondition,
	suspended,
	summaryCondition,
	nested,
	words,
	replicas,
}

func terminating(r *reading) (Finding, bool) {
	return Finding{
		State: v1alpha1.StateCritical, Reason: v1alpha1.ReasonTerminating, Message: "it is being deleted",
		By: "metadata.deletionTimestamp",
	}, r.object.GetDeletionTimestamp() != nil
}

// howToGiveRules ends the message of an object that says nothing which is understood.
const howToGiveRules = "give it a HealthRule, or spec.targetRef.health"

func noVerdict(*reading) Finding {
	return Finding{
		Reason:  v1alpha1.ReasonNoVerdict,
		Message: "its status has nothing that says whether it is healthy: " + howToGiveRules,
	}
}

func nothingReported(r *reading) (Finding, bool) {
	message := "it has reported nothing yet"
	if _, found := r.object.Object["status"]; !found {
		message = "it has no status yet; if its kind never has one, " + howToGiveRules
	}
	return Finding{Reason: v1alpha1.ReasonNotYetReported, Message: message}, !r.reported()
}
