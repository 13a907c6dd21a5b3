package health

import (
	"strings"
	"unicode/utf8"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Bounded makes a text fit for a status: valid UTF-8 on one line, and at most v1alpha1.MaxMessageBytes long.
func Bounded(text string) string { return bounded(text, v1alpha1.MaxMessageBytes) }

func bounded(text string, limit int) string {
	const ellipsis = "…"
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "�"), isLineBreak), " ")
	if len(text) <= limit {
		return text
	}
	cut := limit - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + ellipsis
}

func isLineBreak(r rune) bool { return r == '\n' || r == '\r' || r == '\t' || r == 0 }

// TransitionNote is the note of the Event for a change of state: "Passing → Critical: <message>".
func TransitionNote(from, to v1alpha1.State, message string) string {
	return bounded(string(Known(from))+" → "+string(to)+": "+message, v1alpha1.MaxMessageBytes)
}
