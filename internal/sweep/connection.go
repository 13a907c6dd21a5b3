package sweep

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// connection is one watch of a reflector, from the moment it is asked for until it ends.
type connection struct {
	expired    chan struct{}
	expireOnce sync.Once
	initial    atomic.Bool // still streaming the objects that exist: a relist by watch
	evidence   *evidence
	progressed atomic.Pointer[time.Time] // when it began or, while it is initial, last delivered an event
}

func newConnection(initial bool, evidence *evidence) *connection {
	c := &connection{expired: make(chan struct{}), evidence: evidence}
	c.initial.Store(initial)
	c.progress()
	return c
}

func (c *connection) progress() {
	now := c.evidence.clock.Now()
	c.progressed.Store(&now)
}

// relists reports whether this is a relist by watch that has not ended.
func (c *connection) relists() bool { return c != nil && c.initial.Load() }

// stalledFor reports whether a relist has delivered nothing for this long. One that delivers slowly is left alone: to
// begin again would cost a slow API server the same work again.
func (c *connection) stalledFor(d time.Duration) bool {
	return c.relists() && c.evidence.clock.Since(*c.progressed.Load()) >= d
}

func (c *connection) expire() {
	c.expireOnce.Do(func() { close(c.expired) })
}

func (c *connection) isExpired() bool {
	select {
	case <-c.expired:
		return true
	default:
		return false
	}
}

// note records an event that is being delivered.
func (c *connection) note(event watch.Event) {
	switch {
	case endsInitialEvents(event):
		c.evidence.confirmed()
	case event.Type != watch.Error:
		c.evidence.heard()
	}
	if !c.initial.Load() {
		return
	}
	c.progress()
	c.initial.Store(!endsInitialEvents(event))
}

func endsInitialEvents(event watch.Event) bool {
	if event.Type != watch.Bookmark {
		return false
	}
	object, err := meta.Accessor(event.Object)
	return err == nil && object.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true"
}

// expiredError makes a reflector relist. Any other error, and a plain end, makes it resume the watch after
// the last version that it saw, and so skip what was lost.
func expiredError() *apierrors.StatusError {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusGone,
		Reason:  metav1.StatusReasonExpired,
		Message: "the sweep found that this watch has lost events",
	}}
}

// stalledError makes a reflector that relists by watch relist by a list.
func stalledError() *apierrors.StatusError {
	return apierrors.NewTimeoutError("the watch that begins with all objects delivers nothing", 0)
}

// stream passes the events of a watch on, until either side ends it or its connection is expired.
type stream struct {
	*connection
	source  watch.Interface // nil where the connection was expired before the API server answered
	results chan watch.Event
	stopped chan struct{}
	stop    sync.Once

	cancel func()                        // ends the requests
	repair func() ([]watch.Event, error) // what the cache lacks
	ended  func()                        // is called when nothing more will be delivered
}

func (s *stream) start() {
	s.results, s.stopped = make(chan watch.Event), make(chan struct{})
	go s.run()
}

// ResultChan is part of watch.Interface.
func (s *stream) ResultChan() <-chan watch.Event { return s.results }

// Stop is part of watch.Interface.
func (s *stream) Stop() {
	s.stop.Do(func() { close(s.stopped); s.cancel() })
}

func (s *stream) run() {
	defer close(s.results)
	defer s.ended()
	var events <-chan watch.Event
	if s.source != nil {
		defer s.source.Stop()
		events = s.source.ResultChan()
	}
	for {
		select {
		case <-s.stopped:
			return
		case <-s.expired:
			s.finish()
			return
		case event, open := <-events:
			if !open && s.isExpired() {
				continue // the expiry has closed the source: the next round handles the expiry
			}
			if !open || !s.send(event) {
				return
			}
		}
	}
}

// finish ends an expired watch. One that was delivering changes first sends the events that it has lost; the reflector
// watches on after those.
func (s *stream) finish() {
	if s.initial.Load() {
		s.sendError(stalledError())
		return
	}
	events, err := s.repair()
	if err != nil {
		s.sendError(expiredError())
		return
	}
	for _, event := range events {
		if !s.send(event) {
			return
		}
	}
}

func (s *stream) sendError(err *apierrors.StatusError) {
	status := err.Status()
	s.send(watch.Event{Type: watch.Error, Object: &status})
}

func (s *stream) send(event watch.Event) bool {
	s.note(event)
	select {
	case s.results <- event:
		return true
	case <-s.stopped:
		return false
	}
}
