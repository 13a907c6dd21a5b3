package sweep

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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

// relists is true of a relist by watch that is under way.
func (c *connection) relists() bool { return c != nil && c.initial.Load() }

// stalledFor is true of a relist that has delivered nothing for so long. A slow API server takes its time, and to
// begin anew would cost it that time again.
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

// note keeps the account of an event that is being delivered.
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

// stream passes the events of a watch on, until either side ends it. When its connection is expired, it is
// renewed or ended.
type stream struct {
	*connection
	source  watch.Interface
	results chan watch.Event
	stopped chan struct{}
	stop    sync.Once

	reopen func() (watch.Interface, *connection, error) // nil where no renewal is possible
	cached func() []runtime.Object
	ended  func(*connection) // is called when nothing more will be delivered

	relisted func(*connection) // is called when all objects that exist have been delivered
}

func (s *stream) start() {
	s.results, s.stopped = make(chan watch.Event), make(chan struct{})
	go s.run()
}

// ResultChan is part of watch.Interface.
func (s *stream) ResultChan() <-chan watch.Event { return s.results }

// Stop is part of watch.Interface.
func (s *stream) Stop() {
	s.stop.Do(func() { close(s.stopped) })
}

func (s *stream) run() {
	defer close(s.results)
	defer func() {
		s.source.Stop()
		s.ended(s.connection)
	}()
	for {
		select {
		case <-s.stopped:
			return
		case <-s.expired:
			if !s.renew() {
				s.sendExpired()
				return
			}
		case event, open := <-s.source.ResultChan():
			if !open && s.isExpired() {
				continue // the expiry has ended the source, and says more than its end
			}
			if !open || !s.send(event) {
				return
			}
		}
	}
}

func (s *stream) sendExpired() {
	status := expiredError().Status()
	s.send(watch.Event{Type: watch.Error, Object: &status})
}

func (s *stream) send(event watch.Event) bool {
	s.note(event)
	select {
	case s.results <- event:
		if endsInitialEvents(event) {
			s.relisted(s.connection)
		}
		return true
	case <-s.stopped:
		return false
	}
}
