package proxy

import (
	"bytes"
	"net/http"
	"sync"
	"time"
)

// Faults are what goes wrong at present. The zero value is a proxy that does nothing.
type Faults struct {
	// Frames are tried in order; the first that matches a frame decides on it.
	Frames []FrameFault
	// Answers are tried in order, instead of asking the API server.
	Answers []Answer
	// Slow is added to every call.
	Slow time.Duration
}

// Action is what happens to a watch frame.
type Action int

const (
	// Swallow drops the frame.
	Swallow Action = iota + 1
	// Freeze holds the frame and all that follow it, until other faults are set.
	Freeze
	// Delay passes the frame on after FrameFault.By.
	Delay
)

// FrameFault is what happens to the frames of watches. Empty fields match everything.
type FrameFault struct {
	Action   Action
	By       time.Duration // of a Delay
	Resource string        // plural, such as aliaschecks
	Type     string        // ADDED, MODIFIED, DELETED, BOOKMARK
	Every    int           // only each Every-th frame that otherwise matches
	// Initial extends the fault to the objects that a watch starts with, up to and with the bookmark
	// k8s.io/initial-events-end. Without it, a relist gets through.
	Initial bool
}

// Answer is what a call is answered with, instead of by the API server.
type Answer struct {
	Status   int    // 429, 500, 503, 504
	Method   string // empty for all
	Resource string // empty for all
	Every    int    // only each Every-th call that otherwise matches
}

// state is the faults and where they stand.
type state struct {
	mu     sync.Mutex
	locked struct { // guarded by mu
		faults       Faults
		changed      chan struct{} // closed when other faults are set
		frames       map[int]int   // by index in Faults.Frames: how many have matched
		answers      map[int]int
		frameActions int
	}
}

func newState() *state {
	s := &state{}
	s.set(Faults{})
	return s
}

func (s *state) set(faults Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked.changed != nil {
		close(s.locked.changed)
	}
	s.locked.changed = make(chan struct{})
	s.locked.faults = faults
	s.locked.frames, s.locked.answers = map[int]int{}, map[int]int{}
	s.locked.frameActions = 0
}

func (s *state) slow() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locked.faults.Slow
}

// answer is 0 for calls that go through.
func (s *state) answer(call call) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, a := range s.locked.faults.Answers {
		if !matches(a.Method, call.method) || !matches(a.Resource, call.resource) {
			continue
		}
		if s.locked.answers[i]++; nth(a.Every, s.locked.answers[i]) {
			return a.Status
		}
	}
	return 0
}

// frame is what happens to a frame, with a channel that is closed when that may have changed.
func (s *state) frame(resource string, initial bool, eventType string) (FrameFault, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.locked.faults.Frames {
		if (initial && !f.Initial) || !matches(f.Resource, resource) || !matches(f.Type, eventType) {
			continue
		}
		if s.locked.frames[i]++; nth(f.Every, s.locked.frames[i]) {
			s.locked.frameActions++
			return f, s.locked.changed
		}
	}
	return FrameFault{}, s.locked.changed
}

func (s *state) frameActions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locked.frameActions
}

func matches(pattern, value string) bool { return pattern == "" || pattern == value }

func nth(every, count int) bool { return every <= 1 || count%every == 0 }

// refuse answers like an API server in trouble.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	var body bytes.Buffer
	body.WriteString(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"a fault was injected","reason":"`)
	body.WriteString(reasons[status])
	body.WriteString(`"}`)
	_, _ = w.Write(body.Bytes()) // the client may have gone
}

var reasons = map[int]string{
	http.StatusTooManyRequests:     "TooManyRequests",
	http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable:  "ServiceUnavailable",
	http.StatusGatewayTimeout:      "Timeout",
}
