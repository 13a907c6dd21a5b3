package main

import (
	"sync"

	eventsv1 "k8s.io/api/events/v1"

	"github.com/aliascheck/aliascheck/internal/share"
)

// eventQueue has the Events that wait to be written. Namespaces are taken in turn, and where there is no room for more, the
// namespace that has the most waiting loses its latest: one whose checks flap costs only itself its Events.
type eventQueue struct {
	limit int

	mu     sync.Mutex
	news   sync.Cond
	locked struct { // guarded by mu
		waiting *share.Turns[*eventsv1.Event]
		closed  bool
	}
}

func newEventQueue(limit int) *eventQueue {
	q := &eventQueue{limit: limit}
	q.news.L = &q.mu
	q.locked.waiting = share.NewTurns(func(event *eventsv1.Event) string { return event.Namespace })
	return q
}

// put never waits. It reports whether there was no room and an Event was dropped, this one or another.
func (q *eventQueue) put(event *eventsv1.Event) (dropped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.locked.waiting.Push(event)
	if q.locked.waiting.Len() > q.limit {
		q.locked.waiting.DropLatest()
		return true
	}
	q.news.Signal()
	return false
}

// take waits for an Event; false once the queue is closed and empty.
func (q *eventQueue) take() (*eventsv1.Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.locked.waiting.Len() == 0 {
		if q.locked.closed {
			return nil, false
		}
		q.news.Wait()
	}
	return q.locked.waiting.Pop(), true
}

func (q *eventQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.locked.waiting.Len()
}

// close lets take end once all have been taken.
func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.locked.closed = true
	q.news.Broadcast()
}
