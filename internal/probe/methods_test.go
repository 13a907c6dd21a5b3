package probe_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

func TestARequestThatTheOperatorHasNotAllowedIsNotSent(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(server.Close)
	reading, writing := "the manager sends GET, HEAD and OPTIONS only: its --probe-methods says which",
		"the manager sends GET and POST only: its --probe-methods says which"
	for _, row := range []struct {
		name, method, body string
		allowed            []string
		denied             string
	}{
		{"GET by default", "", "", nil, ""},
		{"HEAD by default", "HEAD", "", nil, ""},
		{"DELETE by default", "DELETE", "", nil, reading},
		{"POST by default", "POST", "{}", nil, reading},
		{"a body by default", "GET", "{}", nil, "the manager sends no body: its --probe-methods has no method that writes"},
		{"POST where it is allowed", "POST", "{}", []string{"GET", "POST"}, ""},
		{"a body with GET where a method that writes is allowed", "GET", "{}", []string{"GET", "POST"}, ""},
		{"DELETE where POST is allowed", "DELETE", "", []string{"GET", "POST"}, writing},
	} {
		t.Run(row.name, func(t *testing.T) {
			options := onLoopback(t)
			options.Methods = row.allowed
			before := asked.Load()
			check := httpCheck(server.URL, func(spec *v1alpha1.HTTPProbe) { spec.Method, spec.Body = row.method, row.body })
			result := probed(t, options, check)
			sent := asked.Load() > before
			if denied := result.Reason == v1alpha1.ReasonMethodDenied; denied != (row.denied != "") || denied == sent {
				t.Errorf("the result is %s %q, sent: %t", result.Reason, result.Message, sent)
			}
			if want := row.method + " " + server.URL + ": " + row.denied; row.denied != "" && result.Message != want {
				t.Errorf("the message is %q, want %q", result.Message, want)
			}
		})
	}
}

func TestMethodsAreReadFromAList(t *testing.T) {
	if got, err := probe.ParseMethods("GET,POST"); err != nil || !slices.Equal(got, []string{"GET", "POST"}) {
		t.Errorf("GET,POST is %q, %v", got, err)
	}
	for _, list := range []string{"", "get", "GET, POST", "CONNECT", "GET,,POST"} {
		if got, err := probe.ParseMethods(list); err == nil {
			t.Errorf("%q is taken for %q", list, got)
		}
	}
}
