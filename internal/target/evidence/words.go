package evidence

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// word is what one field of a status says in a word, or by true and false.
type word struct {
	field  string
	value  string
	state  v1alpha1.State
	reason string // InProgress or Suspended; empty where the word itself says it
}

// words is an object without a summary condition that says it in a word.
func words(r *reading) (Finding, bool) {
	if w, found := r.word(); found {
		finding := r.spoken(w)
		if field, told := r.errorField(); told && w.state == v1alpha1.StatePassing {
			finding.State, finding.Message = v1alpha1.StateWarning, "status."+field+" is not empty: "+r.text(field)
		}
		return r.current(finding, r.older()), true
	}
	if field, told := r.errorField(); told {
		return Finding{
			State:   v1alpha1.StateCritical,
			Reason:  ReasonOr(r.text("failureReason"), r.text("reason"), "Error"),
			Message: "status." + field + " is not empty: " + r.text(field),
			By:      "status." + field,
		}, true
	}
	return Finding{}, false
}

// word is the worst that the fields for it say.
func (r *reading) word() (word, bool) {
	var worst word
	found := false
	for _, w := range append(r.wordFields(), r.boolFields()...) {
		if !found || rank(w) > rank(worst) {
			worst, found = w, true
		}
	}
	return worst, found
}

// rank orders what fields say: a field that says "not yet" explains one that says false.
func rank(w word) int {
	switch {
	case w.state == v1alpha1.StateCritical && w.value != "false":
		return 6
	case w.reason == v1alpha1.ReasonSuspended:
		return 5
	case w.state == v1alpha1.StateUnknown:
		return 4
	case w.state == v1alpha1.StateCritical:
		return 3
	case w.state == v1alpha1.StateWarning:
		return 2
	default:
		return 1
	}
}

// wordFields are what fields of the status say, the known ones first.
func (r *reading) wordFields() []word {
	var said []word
	for _, field := range slices.Concat(wordFields, r.otherWordFields()) {
		state, reason, known := meaning(r.wordIn(field))
		counts := saysBad(field) || reason == v1alpha1.ReasonInProgress // what is under way now is no past
		if state == v1alpha1.StatePassing {
			counts = saysGood(field, r.kind)
		}
		if known && counts {
			said = append(said, word{field, r.wordIn(field), state, reason})
		}
	}
	return said
}

// strangeWord reports whether a field for it has a word that means nothing here: then parts that are well do not show that all
// is, as a platform that is available does not in the phase "Building Kit".
func (r *reading) strangeWord() bool {
	return slices.ContainsFunc(wordFields, func(field string) bool {
		word := r.wordIn(field)
		_, _, known := meaning(word)
		return word != "" && !known && !endlessWords[strings.ToLower(word)]
	})
}

// otherWordFields are the fields of the status that are named after a state, and are not known ones.
func (r *reading) otherWordFields() []string {
	var others []string
	for field := range r.status {
		if namedAfterState(field) && !slices.Contains(wordFields, field) {
			others = append(others, field)
		}
	}
	slices.Sort(others)
	return others
}

// wordIn is the word in a field; health may have it one level deeper.
func (r *reading) wordIn(field string) string {
	if nested, ok := r.status[field].(map[string]any); ok && field == "health" {
		word, _ := nested["status"].(string)
		return word
	}
	return r.text(field)
}

func (r *reading) boolFields() []word {
	var said []word
	for _, field := range boolFields {
		if value, ok := r.status[field].(bool); ok {
			state := v1alpha1.StateCritical
			if value {
				state = v1alpha1.StatePassing
			}
			said = append(said, word{field, fmt.Sprint(value), state, ""})
		}
	}
	return said
}

// spoken is a finding in the words of the object.
func (r *reading) spoken(w word) Finding {
	finding := Finding{State: w.state, Reason: w.reason, By: "status." + w.field}
	finding.Message = fmt.Sprintf("status.%s is %s", w.field, w.value)
	if w.state == v1alpha1.StateCritical || w.state == v1alpha1.StateWarning {
		if text := r.text("message"); text != "" {
			finding.Message += ": " + text
		}
	}
	if finding.Reason == "" {
		own := w.value
		if own == "true" || own == "false" {
			own = ""
		}
		finding.Reason = ReasonOr(r.text("reason"), own, string(w.state))
	}
	return finding
}

// errorField is the field of a status that has an error, where one is not empty and not the word for no error.
func (r *reading) errorField() (string, bool) {
	for _, field := range errorFields {
		if !empty(r.status[field]) && !strings.EqualFold(r.text(field), "none") {
			return field, true
		}
	}
	return "", false
}

// meaning is what a word means in any kind; known is false for words which mean different things in different kinds, as
// running does: the good end of what serves, and not the end of what ends.
func meaning(value string) (state v1alpha1.State, reason string, known bool) {
	text := strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(value))
	switch {
	case goodWords[text]:
		return v1alpha1.StatePassing, "", true
	case badWords[text], strings.HasSuffix(text, "failed"), strings.HasSuffix(text, "error"):
		return v1alpha1.StateCritical, "", true
	case cautionWords[text]:
		return v1alpha1.StateWarning, "", true
	case purposeWords[text]:
		return v1alpha1.StateUnknown, v1alpha1.ReasonSuspended, true
	case notYetWords[text], strings.HasSuffix(text, "ing") && !endlessWords[text] && !strings.Contains(value, " "):
		return v1alpha1.StateUnknown, v1alpha1.ReasonInProgress, true
	default:
		return v1alpha1.StateUnknown, "", text == "unknown"
	}
}
