package wallboard

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"
)

func TestThePageAnswersOnlyToNamesOfLoopbackAndToItself(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1234}
	served := guarded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), at)
	for _, c := range []struct {
		name, host, origin string
		status             int
	}{
		{"the address", "127.0.0.1:1234", "", http.StatusOK},
		{"localhost", "localhost:1234", "", http.StatusOK},
		{"IPv6", "[::1]:1234", "", http.StatusOK},
		{"its own page", "localhost:1234", "http://localhost:1234", http.StatusOK},
		{"a name that was made to point here", "evil.example:1234", "", http.StatusForbidden},
		{"a page of somebody else", "localhost:1234", "https://evil.example", http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			request.Host = c.host
			if c.origin != "" {
				request.Header.Set("Origin", c.origin)
			}
			recorder := httptest.NewRecorder()
			served.ServeHTTP(recorder, request)
			g.Expect(recorder.Code).To(Equal(c.status))
			if c.status == http.StatusOK {
				g.Expect(recorder.Header().Get("Content-Security-Policy")).To(ContainSubstring("default-src 'self'"))
			}
		})
	}
}
