package probe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// ReadingMethods change nothing (RFC 9110, safe methods). Every author of checks may make the manager send them.
var ReadingMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

var knownMethods = append(slices.Clone(ReadingMethods),
	http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete)

// ParseMethods reads a comma-separated list of methods that a HealthCheck may have.
func ParseMethods(list string) ([]string, error) {
	methods := strings.Split(list, ",")
	for _, method := range methods {
		if !slices.Contains(knownMethods, method) {
			return nil, fmt.Errorf("%q is no method of a probe: list some of %s", method, strings.Join(knownMethods, ", "))
		}
	}
	return methods, nil
}

// refusedError says what a probe may not do, with a reason of its own.
type refusedError struct{ reason, message string }

func (e *refusedError) Error() string { return e.message }

// allowed is the error of a request that this manager does not send.
func (p *Probes) allowed(spec *v1alpha1.HTTPProbe) error {
	writes := func(method string) bool { return !slices.Contains(ReadingMethods, method) }
	switch {
	case !slices.Contains(p.methods, method(spec)):
		return &refusedError{v1alpha1.ReasonMethodDenied,
			fmt.Sprintf("the manager sends %s only: its --probe-methods says which", listed(p.methods))}
	case spec.Body != "" && !slices.ContainsFunc(p.methods, writes):
		return &refusedError{v1alpha1.ReasonMethodDenied,
			"the manager sends no body: its --probe-methods has no method that writes"}
	}
	return nil
}

// listed is GET, HEAD and OPTIONS.
func listed(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
