package celbounds

import (
	"strings"
	"testing"
)

func TestMistake(t *testing.T) {
	for expression, want := range map[string]string{
		"object.":                 "Syntax error: no viable alternative at input '.' (column 8)",
		"true &&\n  nothing":      "undeclared reference to 'nothing' (in container '') (line 2, column 3)",
		strings.Repeat("?(", 600): "Syntax error: ",
	} {
		_, issues := environment(t).Compile(expression)
		got := Mistake(issues).Error()
		if !strings.HasPrefix(got, want) || strings.Contains(got, "\n") || len(got) > 200 {
			t.Errorf("%.20s: got %q, want %q", expression, got, want)
		}
	}
}
