package evidence

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// nested is what the parts of an object say that have conditions of their own, such as the listeners of a Gateway, and the
// parents of a route, which has no others: all well is Passing, some is a Warning, and none is Critical.
func nested(r *reading) (Finding, bool) {
	var findings []Finding
	for _, field := range partFields {
		entries, _ := r.status[field].([]any)
		for _, entry := range entries {
			if finding, found := r.partOf(field, entry); found {
				findings = append(findings, finding)
			}
		}
	}
	if len(findings) == 0 {
		return Finding{}, false
	}
	worst, well := findings[0], 0
	for _, finding := range findings {
		if finding.State == v1alpha1.StatePassing || finding.State == v1alpha1.StateWarning {
			well++
		}
		if partRank(finding.State) > partRank(worst.State) {
			worst = finding
		}
	}
	if well > 0 && well < len(findings) {
		worst.State = v1alpha1.StateWarning
	}
	return worst, true
}

// partOf reads an entry as an object of its own, of the same generation.
func (r *reading) partOf(field string, entry any) (Finding, bool) {
	status, ok := entry.(map[string]any)
	if !ok {
		return Finding{}, false
	}
	part := &reading{
		object: r.object, kind: r.kind, generation: r.generation, conditions: conditionsFrom(status["conditions"]),
		status: map[string]any{"observedGeneration": r.status["observedGeneration"]},
	}
	finding, found := badCondition(part)
	if !found {
		finding, found = part.unresolved(field)
	}
	if !found {
		finding, found = summaryCondition(part)
	}
	finding.By = "status." + field + ": " + finding.By
	return finding, found
}

// unresolved is a parent or an ancestor for which references do not resolve: what goes through it goes nowhere, though it
// was accepted. A listener serves what does resolve.
func (r *reading) unresolved(field string) (Finding, bool) {
	for _, c := range r.conditions {
		if c.Type == "ResolvedRefs" && c.is(metav1.ConditionFalse) && field != "listeners" {
			return c.finding(Finding{State: v1alpha1.StateCritical}), true
		}
	}
	return Finding{}, false
}

func partRank(state v1alpha1.State) int {
	switch state {
	case v1alpha1.StateCritical:
		return 3
	case v1alpha1.StateUnknown:
		return 2
	case v1alpha1.StateWarning:
		return 1
	default:
		return 0
	}
}
