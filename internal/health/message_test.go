package health

import (
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestTheNoteOfATransitionNamesTheStatesAndTheCulprit(t *testing.T) {
	web := &v1alpha1.Culprit{Kind: "HealthCheck", Namespace: "shop", Name: "web"}
	for name, c := range map[string]struct {
		message string
		culprit *v1alpha1.Culprit
		reader  string
		want    string
	}{
		"nobody is to blame":      {"all 2 checks are Passing", nil, "shop", "all 2 checks are Passing"},
		"the message has no name": {"GET: 503", web, "shop", "GET: 503 (HealthCheck web)"},
		"of another namespace":    {"GET: 503", web, "bank", "GET: 503 (HealthCheck shop/web)"},
		"the message has it":      {"1 of 2 checks is Critical: HealthCheck web (503)", web, "shop", "1 of 2 checks is Critical: HealthCheck web (503)"},
		"with its namespace":      {"HealthCheck/shop/web does not exist", web, "bank", "HealthCheck/shop/web does not exist"},
		"at the end":              {"nobody knows HealthCheck/web", web, "shop", "nobody knows HealthCheck/web"},
		"a longer name":           {"HealthCheck web-2 is down", web, "shop", "HealthCheck web-2 is down (HealthCheck web)"},
	} {
		t.Run(name, func(t *testing.T) {
			got := TransitionNote("", v1alpha1.StateCritical, c.message, c.culprit, c.reader)
			if want := "Unknown → Critical: " + c.want; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestALongNoteKeepsItsCulprit(t *testing.T) {
	culprit := &v1alpha1.Culprit{Kind: "HealthCheck", Namespace: "shop", Name: strings.Repeat("x", 253)}
	note := TransitionNote(v1alpha1.StatePassing, v1alpha1.StateCritical, strings.Repeat("y", 2000), culprit, "shop")
	if len(note) > v1alpha1.MaxMessageBytes || !strings.HasSuffix(note, "… (HealthCheck "+culprit.Name+")") {
		t.Errorf("%d bytes: %s", len(note), note)
	}
}

func TestATextHasNoControlAndFormatCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"two\nlines\tand\x00more":              "two lines and more",
		"\x1b]0;title\x07\x1b[2J\x1b[31mred":   "]0;title [2J [31mred",
		"\u009b31m and \u0085":                 "31m and ",
		"\u202egnp.exe\u2066 \u200bhidden":     "gnp.exe   hidden",
		"one\u2028line\u2029more":              "one line more",
		"not UTF-8: \xff":                      "not UTF-8: �",
		"grüße, 你好, 🙂: 100 %, <b>, \"quoted\"": "grüße, 你好, 🙂: 100 %, <b>, \"quoted\"",
	} {
		if got := Bounded(text); got != want {
			t.Errorf("Bounded(%q) is %q, want %q", text, got, want)
		}
	}
}
