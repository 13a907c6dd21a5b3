package evidence

import (
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Condition is an entry of status.conditions of an object of any kind.
type Condition struct {
	Type string
	// Status is True, False, Unknown, another word that the kind has, or empty.
	Status  metav1.ConditionStatus
	Reason  string
	Message string
	// Severity of Cluster API, Azure and Knative: Error, Warning or Info.
	Severity string
	// Observed is the generation of the condition as it is written: a number, a string, or nothing.
	Observed any
	Since    time.Time
}

// ConditionsOf reads status.conditions, one condition of each type: of several the one that took its status last, by
// place where they do not say when. What is malformed is left out.
func ConditionsOf(object *unstructured.Unstructured) []Condition {
	raw, _, _ := unstructured.NestedFieldNoCopy(object.Object, "status", "conditions")
	return conditionsFrom(raw)
}

func conditionsFrom(raw any) []Condition {
	items, _ := raw.([]any)
	conditions := make([]Condition, 0, len(items))
	places := make(map[string]int, len(items))
	for _, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			continue
		}
		c := conditionFrom(fields)
		if c.Type == "" {
			continue
		}
		place, known := places[c.Type]
		switch {
		case !known:
			places[c.Type] = len(conditions)
			conditions = append(conditions, c)
		case !c.before(conditions[place]):
			conditions[place] = c
		}
	}
	return conditions
}

func conditionFrom(fields map[string]any) Condition {
	text := func(name string) string { s, _ := fields[name].(string); return s }
	since, _ := time.Parse(time.RFC3339, text("lastTransitionTime"))
	return Condition{
		Type:     text("type"),
		Status:   statusOf(fields["status"]),
		Reason:   text("reason"),
		Message:  text("message"),
		Severity: text("severity"),
		Observed: fields["observedGeneration"],
		Since:    since,
	}
}

// statusOf reads a status in any case, and a boolean, as older Keycloaks have it.
func statusOf(value any) metav1.ConditionStatus {
	switch v := value.(type) {
	case bool:
		if v {
			return metav1.ConditionTrue
		}
		return metav1.ConditionFalse
	case string:
		for _, known := range []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown} {
			if strings.EqualFold(v, string(known)) {
				return known
			}
		}
		return metav1.ConditionStatus(v)
	default:
		return ""
	}
}

func (c Condition) before(other Condition) bool {
	return !c.Since.IsZero() && !other.Since.IsZero() && c.Since.Before(other.Since)
}

func (c Condition) is(status metav1.ConditionStatus) bool { return c.Status == status }

// name is the type without the domain that it may have: PoolConflict of cilium.io/PoolConflict.
func (c Condition) name() string { return c.Type[strings.LastIndex(c.Type, "/")+1:] }

func (c Condition) waitsForController() bool {
	return c.is(metav1.ConditionUnknown) && (c.Reason == "Pending" || c.Reason == "Waiting")
}

// finding is a finding that the condition decided, in its own words.
func (c Condition) finding(finding Finding) Finding {
	if finding.Reason == "" {
		finding.Reason = ReasonOr(c.Reason, c.Type, string(finding.State))
	}
	finding.Message = c.Message
	if finding.Message == "" {
		finding.Message = "the condition " + c.Type + " is " + string(c.Status)
	}
	finding.Since, finding.By = c.Since, "condition "+c.Type
	return finding
}

// reasonPattern is that of the reason of a condition; other controllers do not always keep to it.
var reasonPattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// ReasonOr is the first of some words, of which somebody else may have written all but the last, that will do as the
// reason of a condition.
func ReasonOr(words ...string) string {
	for _, word := range words {
		if len(word) <= 256 && reasonPattern.MatchString(word) {
			return word
		}
	}
	return words[len(words)-1]
}
