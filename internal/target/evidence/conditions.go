package evidence

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// badCondition is a condition that is bad when it is True.
func badCondition(r *reading) (Finding, bool) {
	for _, c := range r.conditions {
		if c.is(metav1.ConditionTrue) && badWhenTrue(c.name()) {
			return c.finding(Finding{State: v1alpha1.StateCritical}), true
		}
	}
	for _, c := range r.conditions {
		if c.is(metav1.ConditionTrue) && notWholeWhenTrue(c.name()) {
			return c.finding(Finding{State: r.whileServing()}), true
		}
	}
	for _, c := range r.conditions {
		if c.is(metav1.ConditionFalse) && endedBadly(c) {
			return c.finding(Finding{State: v1alpha1.StateCritical}), true
		}
	}
	return Finding{}, false
}

// endedBadly reports whether a condition that is False tells of work that was given up, or of an operation that failed
// (LastAsyncOperation of Crossplane's providers). Ready stays as it was then.
func endedBadly(c Condition) bool {
	return c.Type == "LastAsyncOperation" || c.Type == "Progressing" && badReason(c.Reason)
}

// whileServing is the state of what is not whole: it is a Warning only where the summary condition says that it serves.
func (r *reading) whileServing() v1alpha1.State {
	if c, found := r.summary(); found && c.is(metav1.ConditionTrue) {
		return v1alpha1.StateWarning
	}
	return v1alpha1.StateCritical
}

// suspended is an object that somebody has turned off, by a condition that says so or by the field of the spec for it.
func suspended(r *reading) (Finding, bool) {
	for _, c := range r.conditions {
		byType := c.is(metav1.ConditionTrue) && suspendedWhenTrue(c.name())
		if byType || c.is(metav1.ConditionFalse) && pausedReasons[c.Reason] {
			return c.finding(Finding{State: v1alpha1.StateUnknown, Reason: v1alpha1.ReasonSuspended}), true
		}
	}
	spec, _ := r.object.Object["spec"].(map[string]any)
	for _, field := range suspendingFields {
		if on, _ := spec[field].(bool); on {
			return Finding{
				State: v1alpha1.StateUnknown, Reason: v1alpha1.ReasonSuspended,
				Message: "spec." + field + " is true", By: "spec." + field,
			}, true
		}
	}
	return Finding{}, false
}

// summary is the condition that sums up all of an object: the first of the known types that it has.
func (r *reading) summary() (Condition, bool) {
	for _, wanted := range summaryTypes {
		for _, c := range r.conditions {
			if strings.EqualFold(c.Type, wanted) || wanted == kindReady && c.Type == r.kind+"Ready" {
				return c, true
			}
		}
	}
	return Condition{}, false
}

func summaryCondition(r *reading) (Finding, bool) {
	c, found := r.summary()
	if !found {
		if c, found = worstOf(r.parts()); !found || c.is(metav1.ConditionTrue) && r.strangeWord() {
			return Finding{}, false
		}
	}
	switch c.Status {
	case metav1.ConditionTrue:
		return r.current(r.serving(c), r.conditionOlder(c)), true
	case metav1.ConditionFalse:
		return r.notServing(c), true
	default:
		return c.finding(Finding{State: v1alpha1.StateUnknown}), true
	}
}

// parts are the conditions of an object without a summary that are each about a part of it, such as APIServerAvailable and
// EveryNodeReady. That all are True is no evidence beside a condition that is False and may mean anything.
func (r *reading) parts() []Condition {
	var parts []Condition
	for _, c := range r.conditions {
		name := c.name()
		switch {
		case neutralTypes[name]:
		case isPart(name), c.is(metav1.ConditionTrue) && goodOnlyWhenTrue[name],
			!c.is(metav1.ConditionTrue) && !understoodWhenFalse(name):
			parts = append(parts, c)
		}
	}
	worst, found := worstOf(parts)
	if found && !worst.is(metav1.ConditionTrue) && !isPart(worst.name()) {
		return nil
	}
	return parts
}

// isPart reports whether a condition of this type says of a part of an object whether that is well.
func isPart(name string) bool { return positive(name) || writtenTypes[name] }

// worstOf is the condition that says the worst of some: one that is False, or else one that is not True.
func worstOf(conditions []Condition) (Condition, bool) {
	if len(conditions) == 0 {
		return Condition{}, false
	}
	badness := func(c Condition) int {
		switch c.Status {
		case metav1.ConditionFalse:
			if isPart(c.name()) {
				return 3
			}
			return 2
		case metav1.ConditionTrue:
			return 0
		default:
			return 1
		}
	}
	return slices.MaxFunc(conditions, func(a, b Condition) int { return cmp.Compare(badness(a), badness(b)) }), true
}

// notServing tells what has failed from what is not there yet, and from what was turned off.
func (r *reading) notServing(c Condition) Finding {
	if suspendedReasons[c.Reason] {
		return c.finding(Finding{State: v1alpha1.StateUnknown, Reason: v1alpha1.ReasonSuspended})
	}
	// The summary may say only that it waits, while what it waits for has failed: Creating beside ReconcileError.
	if failed, found := r.failedBeside(c); found && !r.reconciling() {
		return failed.finding(Finding{State: v1alpha1.StateCritical})
	}
	if strings.EqualFold(c.Severity, "Info") || r.reconciling() || notYetTypes[c.Type] || notYetReason(c.Reason) || r.underWayBeside(c) {
		return c.finding(Finding{State: v1alpha1.StateUnknown, Reason: v1alpha1.ReasonInProgress})
	}
	return c.finding(Finding{State: v1alpha1.StateCritical})
}

// failedBeside is another condition about the whole or a part of the object that is False because something has failed.
func (r *reading) failedBeside(c Condition) (Condition, bool) {
	for _, other := range r.conditions {
		if other.Type != c.Type && other.is(metav1.ConditionFalse) && isPart(other.name()) && badReason(other.Reason) {
			return other, true
		}
	}
	return Condition{}, false
}

// underWayBeside reports whether another condition says by its reason that work is under way, where the summary itself has no
// reason that says anything.
func (r *reading) underWayBeside(c Condition) bool {
	return vagueReasons[c.Reason] && slices.ContainsFunc(r.conditions, func(other Condition) bool {
		return other.Type != c.Type && other.is(metav1.ConditionFalse) &&
			(notYetTypes[other.Type] || isPart(other.name()) && notYetReason(other.Reason))
	})
}

// reconciling reports whether a controller is at work, and not merely trying again what failed.
func (r *reading) reconciling() bool {
	for _, c := range r.conditions {
		if c.Type == "Reconciling" && c.is(metav1.ConditionTrue) {
			return c.Reason != "ProgressingWithRetry"
		}
	}
	return false
}

// serving is what the summary condition says, True, unless something else that the object says speaks against it.
func (r *reading) serving(c Condition) Finding {
	if endTypes[c.Type] && badReason(c.Reason) { // it has ended, and the reason says how
		return c.finding(Finding{State: v1alpha1.StateCritical})
	}
	if finding, against := r.wordAgainst(c); against {
		return finding
	}
	for _, other := range r.conditions {
		if other.Type != c.Type && r.lessThanWhole(other) {
			return other.finding(Finding{State: v1alpha1.StateWarning})
		}
	}
	if finding, found := nested(r); found && finding.State != v1alpha1.StatePassing {
		return finding
	}
	if finding, found := replicas(r); found && finding.State != v1alpha1.StatePassing {
		return finding
	}
	return c.finding(Finding{State: v1alpha1.StatePassing})
}

// wordAgainst is what the word of an object says, where that speaks against a summary condition that is True.
func (r *reading) wordAgainst(c Condition) (Finding, bool) {
	word, found := r.word()
	if !found {
		return Finding{}, false
	}
	finding := r.spoken(word)
	switch {
	case word.state == v1alpha1.StateCritical, word.state != v1alpha1.StatePassing && weakTypes[c.Type]:
		return finding, true
	case word.state == v1alpha1.StateWarning, word.reason == v1alpha1.ReasonInProgress:
		finding.State = v1alpha1.StateWarning
		return finding, true
	default:
		return finding, word.reason == v1alpha1.ReasonSuspended
	}
}

// lessThanWhole reports whether a condition beside a summary that is True says that something is missing, or under way.
func (r *reading) lessThanWhole(c Condition) bool {
	if neutralTypes[c.name()] || c.Reason == "UpdateRestricted" { // it was forbidden to update it
		return false
	}
	switch c.Status {
	case metav1.ConditionFalse:
		return (positive(c.name()) || badReason(c.Reason)) && !strings.EqualFold(c.Severity, "Info")
	case metav1.ConditionTrue:
		return progressType(c.name()) && !endOfProgress[c.Reason]
	default:
		return false
	}
}
