package evidence

import (
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// reading is what the rows of the table look at.
type reading struct {
	object     *unstructured.Unstructured
	kind       string
	generation int64
	status     map[string]any
	conditions []Condition
}

func read(object *unstructured.Unstructured) *reading {
	status, _ := object.Object["status"].(map[string]any)
	return &reading{
		object: object, kind: object.GetKind(), generation: object.GetGeneration(), status: status,
		conditions: ConditionsOf(object),
	}
}

// reported reports whether the status says anything at all. An observedGeneration alone does not, as in the status that
// objects of Flux are created with, and neither do conditions that wait for a controller, which the Gateway API has as
// the default of its CRDs.
func (r *reading) reported() bool {
	return saysSomething(r.status) || slices.ContainsFunc(r.conditions, func(c Condition) bool { return !c.waitsForController() })
}

// saysSomething reports whether a status has something in it beside conditions and a generation.
func saysSomething(status map[string]any) bool {
	for name, value := range status {
		if name != "observedGeneration" && name != "conditions" && !empty(value) {
			return true
		}
	}
	return false
}

// empty reports whether a value says nothing: CRDs written in Go often have zero values in a status that is new.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, inner := range v {
			if !empty(inner) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// older reports whether the status is of an older generation than the object, as far as it says so. KubeVirt compares with a
// generation of its own, since that of the object changes before it has seen the change; Vault's operator has another name.
func (r *reading) older() bool {
	wanted := r.generation
	if desired, ok := generationOf(r.status["desiredGeneration"]); ok {
		wanted = desired
	}
	if observed, told := r.status["observedGeneration"]; told {
		return olderThan(wanted, observed)
	}
	return olderThan(wanted, r.status["lastGeneration"])
}

// conditionOlder asks the condition itself first: Flux writes the generation of the status on success only.
func (r *reading) conditionOlder(c Condition) bool {
	if says(r.generation, c.Observed) {
		return olderThan(r.generation, c.Observed)
	}
	return r.older()
}

// Older reports whether what a condition of an object says is of an older generation, as far as that is said.
func Older(object *unstructured.Unstructured, c Condition) bool {
	return read(object).conditionOlder(c)
}

// olderThan compares a generation that somebody wrote with that of the object. One below 0 is that of no report: Flux creates
// objects with -1, and those that it never reports on, such as a HelmRepository of type oci, keep it.
func olderThan(generation int64, observed any) bool {
	number, ok := generationOf(observed)
	return ok && number >= 0 && number < generation
}

// says reports whether a value is a generation that the object has or had. A larger value is not a
// generation, but for example a hash that happens to be all digits.
func says(generation int64, observed any) bool {
	number, ok := generationOf(observed)
	return ok && number <= generation && number > 0
}

// generationOf reads a number, or a string of digits, as Argo Rollouts and Istio write it.
func generationOf(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case string:
		number, err := strconv.ParseInt(v, 10, 64)
		return number, err == nil
	default:
		return 0, false
	}
}

// current turns what would be Passing into a Warning where it is of an older generation.
func (r *reading) current(finding Finding, older bool) Finding {
	if finding.State != v1alpha1.StatePassing || !older {
		return finding
	}
	finding.State, finding.Reason = v1alpha1.StateWarning, v1alpha1.ReasonInProgress
	finding.Message = OlderMessage(r.object)
	return finding
}

// OlderMessage says that a status is of an older generation.
func OlderMessage(object *unstructured.Unstructured) string {
	return fmt.Sprintf("its status is for an older generation; waiting for generation %d", object.GetGeneration())
}

// text is a field of the status that is a string.
func (r *reading) text(field string) string {
	s, _ := r.status[field].(string)
	return s
}
