package faults

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// app is an application with parts, each of which is as healthy as it is told to be.
type app struct {
	server *httptest.Server
	mu     sync.Mutex
	locked struct { // guarded by mu
		codes  map[string]int // 200 by default
		probes int
	}
}

func newApp(t *testing.T) *app {
	a := &app{}
	a.locked.codes = map[string]int{}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

func (a *app) url(part string) string { return a.server.URL + "/" + part }

func (a *app) set(part string, code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.codes[part] = code
}

func (a *app) fail(part string)    { a.set(part, http.StatusInternalServerError) }
func (a *app) recover(part string) { a.set(part, http.StatusOK) }

func (a *app) probes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.probes
}

func (a *app) snapshot() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.locked.codes)
}

func (a *app) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.probes++
	if code := a.locked.codes[strings.Trim(request.URL.Path, "/")]; code != 0 {
		w.WriteHeader(code)
	}
}
