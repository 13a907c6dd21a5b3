package conformance

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// subjects are what HealthChecks of cases look at: one server whose paths are always in the same state.
type subjects struct {
	passing, warning, failing, hanging, json string
	listening, refused                       string
}

// serveSubjects runs them until the test ends.
func serveSubjects(t *testing.T) subjects {
	t.Helper()
	answers := http.NewServeMux()
	answers.HandleFunc("/passing", answering(http.StatusOK))
	answers.HandleFunc("/warning", answering(http.StatusTooManyRequests))
	answers.HandleFunc("/failing", answering(http.StatusServiceUnavailable))
	answers.HandleFunc("/hanging", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	answers.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status": "up", "queue": 170017}`))
	})
	server := httptest.NewServer(answers)
	t.Cleanup(func() {
		server.CloseClientConnections() // of those that hang
		server.Close()
	})
	return subjects{
		passing:   server.URL + "/passing",
		warning:   server.URL + "/warning",
		failing:   server.URL + "/failing",
		hanging:   server.URL + "/hanging",
		json:      server.URL + "/json",
		listening: server.Listener.Addr().String(),
		refused:   refusedAddress(t),
	}
}

func answering(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// refusedAddress has been given up by its listener, and the kernel hands out others before it comes round.
func refusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// values are those of the placeholders of a case.
func (s subjects) values(namespace string) map[string]string {
	return map[string]string{
		"passing":   s.passing,
		"warning":   s.warning,
		"failing":   s.failing,
		"hanging":   s.hanging,
		"json":      s.json,
		"listening": s.listening,
		"refused":   s.refused,
		"namespace": namespace,
		"other":     otherNamespace(namespace),
	}
}

// otherNamespace is the second namespace that a case has.
func otherNamespace(namespace string) string { return namespace + "-other" }
