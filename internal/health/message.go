package health

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Bounded makes a text fit for a status: valid UTF-8 on one line without control and format characters, and at most
// v1alpha1.MaxMessageBytes long. All texts of statuses, Events and conditions of pods come through here, also what others
// wrote; a terminal or a dashboard that shows them must not be made to do anything else.
func Bounded(text string) string { return bounded(text, v1alpha1.MaxMessageBytes) }

// OneLine is a text of any length as Bounded leaves it: for names, and for what is shown to people in a place of its own.
func OneLine(text string) string {
	if plain(text) {
		return text
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "�"), isInvisible), " ")
}

// plain reports whether a text is printable ASCII, as nearly all are: then there is nothing to replace.
func plain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func bounded(text string, limit int) string {
	const ellipsis = "…"
	text = OneLine(text)
	if len(text) <= limit {
		return text
	}
	cut := limit - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + ellipsis
}

// isInvisible is true of control characters (C0, DEL and C1: escape sequences, line breaks), of format characters
// (U+202E turns the text round, U+200B hides in it) and of the separators of lines and paragraphs.
func isInvisible(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// TransitionNote is the note of the Event for a change of state: "Passing → Critical: <message>". What is to blame is
// added where the message does not name it: "… (HealthCheck web)". An Event is read without the status beside it.
func TransitionNote(from, to v1alpha1.State, message string, culprit *v1alpha1.Culprit, namespace string) string {
	blamed := ""
	if culprit != nil && !names(message, culprit) {
		m := Member{Kind: culprit.Kind, Namespace: culprit.Namespace, Name: culprit.Name}
		blamed = " (" + m.NameFrom(namespace) + ")"
	}
	note := string(Known(from)) + " → " + string(to) + ": " + message
	return bounded(note, v1alpha1.MaxMessageBytes-len(blamed)) + blamed
}

// names reports whether a text has the kind and name of an object, as messages write them: HealthCheck web,
// HealthCheck shop/web, HealthCheck/web, HealthCheck/shop/web. A longer name that begins like it is another's.
func names(text string, culprit *v1alpha1.Culprit) bool {
	if !strings.Contains(text, culprit.Kind) { // most messages: the expression is not even compiled
		return false
	}
	spelled := regexp.QuoteMeta(culprit.Kind) + `[ /](` + regexp.QuoteMeta(culprit.Namespace) + `/)?` +
		regexp.QuoteMeta(culprit.Name) + `($|[^A-Za-z0-9._:/-])`
	found, err := regexp.MatchString(spelled, text)
	return err == nil && found
}
