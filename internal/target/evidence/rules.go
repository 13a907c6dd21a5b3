package evidence

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// byRules is the row of a kind that has rules: it always fits, and then no other says anything.
func byRules(set *rules.Set) row {
	return func(r *reading) (Finding, bool) {
		verdict := set.Evaluate(r.object.Object)
		if !verdict.Holds() {
			if finding, nothing := nothingReported(r); nothing && set.Fields().Below("status") != nil {
				return finding, true // rules over a status that is still to come
			}
			return noRuleHolds(verdict), true
		}
		return r.current(r.ruled(verdict), verdict.State == v1alpha1.StatePassing && r.stale(set, verdict)), true
	}
}

// ruled is what a rule says, in its own words, and else in those of the condition that it asks for.
func (r *reading) ruled(verdict rules.Verdict) Finding {
	finding := Finding{
		State: verdict.State, Reason: verdict.Reason, Message: verdict.Message, By: fmt.Sprintf("rules[%d]", verdict.Index),
	}
	asked, found := r.asked(verdict.Literals)
	if found {
		said := asked.finding(Finding{State: verdict.State})
		finding.Since = said.Since
		if finding.Reason == "" {
			finding.Reason = ReasonOr(asked.Reason, string(verdict.State))
		}
		if finding.Message == "" {
			finding.Message = said.Message
		}
	}
	if finding.Reason == "" {
		finding.Reason = string(verdict.State)
	}
	if finding.Message == "" {
		finding.Message = fmt.Sprintf("%s %s is %s by its health rules", r.kind, r.object.GetName(), verdict.State)
	}
	return finding
}

// asked is the condition that an expression with these texts in it asks for: the first whose type it names, and which has
// a status that it names, where it names any.
func (r *reading) asked(literals []string) (Condition, bool) {
	statuses := slices.ContainsFunc(literals, isStatus)
	for _, literal := range literals {
		for _, c := range r.conditions {
			if c.Type == literal && (!statuses || slices.Contains(literals, string(c.Status))) {
				return c, true
			}
		}
	}
	return Condition{}, false
}

func isStatus(literal string) bool {
	return slices.Contains([]metav1.ConditionStatus{
		metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown,
	}, metav1.ConditionStatus(literal))
}

// maxFailed is how many rules that could not be evaluated a message names.
const maxFailed = 3

func noRuleHolds(verdict rules.Verdict) Finding {
	message := "none of its health rules holds: " + howToGiveRules
	if failed := verdict.Failed; len(failed) > 0 {
		more := ""
		if len(failed) > maxFailed {
			more = fmt.Sprintf(" and %d more", len(failed)-maxFailed)
			failed = failed[:maxFailed]
		}
		message = fmt.Sprintf("none of its health rules holds, and of these some cannot be evaluated (%s%s)",
			strings.Join(failed, "; "), more)
	}
	return Finding{Reason: v1alpha1.ReasonNoVerdict, Message: message}
}
