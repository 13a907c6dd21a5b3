package controllers_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// subject is an HTTP service that is probed. It answers on any path; /hang answers only when it is let go.
type subject struct {
	*httptest.Server
	status   atomic.Int32
	hangs    atomic.Bool // on all paths as on /hang
	requests atomic.Int64

	release chan struct{}

	mu sync.Mutex
	// running is guarded by mu: how many requests run now, by path.
	running map[string]int
}

func newSubject() *subject {
	s := &subject{release: make(chan struct{}), running: map[string]int{}}
	s.status.Store(http.StatusOK)
	s.Server = httptest.NewServer(s)
	return s
}

func (s *subject) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.count(r.URL.Path, 1)
	defer s.count(r.URL.Path, -1)
	if r.URL.Path == "/hang" || s.hangs.Load() {
		select {
		case <-s.release:
		case <-r.Context().Done():
			return
		}
	}
	w.WriteHeader(int(s.status.Load()))
}

func (s *subject) count(path string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[path] += by
}

// runningOn is how many requests of a path run now.
func (s *subject) runningOn(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[path]
}
