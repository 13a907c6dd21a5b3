package expect

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Response is what expressions look at.
type Response struct {
	Code   int
	Header http.Header
	Body   []byte
	// Cut is whether there may be more of the body than was read.
	Cut bool
}

// Finding is an expectation that does not hold.
type Finding struct {
	// State is Critical or Warning, as the expectation says.
	State v1alpha1.State
	// Message has nothing of the response in it.
	Message string
}

// Judge evaluates all of a set, and returns what does not hold.
func (s Set) Judge(ctx context.Context, response Response) []Finding {
	if len(s) == 0 {
		return nil
	}
	var findings []Finding
	variables, notJSON := response.variables()
	for _, e := range s {
		if why := e.fault(ctx, variables, notJSON); why != "" {
			findings = append(findings, e.finding(why))
		}
	}
	return findings
}

// variables are those of the expressions, and why the body is not JSON if it is not.
func (r Response) variables() (all map[string]any, notJSON string) {
	headers := map[string][]string{}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		headers[name] = append(headers[name], values...)
	}
	all = map[string]any{
		varCode:    int64(r.Code),
		varHeaders: headers,
		varBody:    strings.ToValidUTF8(string(r.Body), "�"),
	}
	var parsed any
	switch err := json.Unmarshal(r.Body, &parsed); {
	case err == nil:
		all[varJSON] = parsed
		return all, ""
	case r.Cut:
		return all, fmt.Sprintf("the body is longer than %d KiB", len(r.Body)>>10)
	case len(r.Body) == 0:
		return all, "the body is empty"
	default:
		return all, "the body is not JSON"
	}
}

const isNotTrue = "is not true"

// fault is why an expectation does not hold; empty where it does.
func (e expectation) fault(ctx context.Context, variables map[string]any, notJSON string) string {
	value, _, err := e.program.ContextEval(ctx, variables)
	switch {
	case err == nil && value == types.True:
		return ""
	case err == nil && value == types.False:
		return isNotTrue
	case err == nil:
		return "cannot be evaluated: it is neither true nor false"
	default:
		return "cannot be evaluated: " + kindOf(err, notJSON)
	}
}

// kindOf tells an error of CEL without its text, which may quote the response.
func kindOf(err error, notJSON string) string {
	text := err.Error()
	switch {
	case strings.Contains(text, varJSON) && notJSON != "":
		return notJSON
	case strings.Contains(text, "no such key"), strings.Contains(text, "no such attribute"):
		return "a field is absent"
	case strings.Contains(text, "index out of bounds"):
		return "a list is too short"
	case strings.Contains(text, "cost limit exceeded"):
		return "it costs too much"
	case strings.Contains(text, interpreter.InterruptError{}.Error()):
		return "it takes too long"
	case strings.Contains(text, "no such overload"):
		return "a value is of another type"
	default:
		return "a value does not fit"
	}
}

// maxShown of an expression is repeated in a message.
const maxShown = 160

func (e expectation) finding(why string) Finding {
	state := e.source.Otherwise
	if state != v1alpha1.StateWarning {
		state = v1alpha1.StateCritical
	}
	switch {
	case e.source.Message != "" && why == isNotTrue:
		return Finding{state, e.source.Message}
	case e.source.Message != "":
		return Finding{state, fmt.Sprintf("%s (%s %s)", e.source.Message, e.place, why)}
	default:
		return Finding{state, fmt.Sprintf("%s %s: %s", e.place, why, shortened(e.source.That))}
	}
}

func shortened(expression string) string {
	if runes := []rune(expression); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return expression
}
