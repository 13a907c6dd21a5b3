package main

import (
	"sync"

	eventsv1 "k8s.io/api/events/v1"
)

// eventQueue has the Events that wait to be written. Namespaces are taken in turn, and where there is no room for more, the
// namespace that has the most waiting loses its latest: one whose checks flap costs only itself its Events.
type eventQueue struct {
	limit int

	mu     sync.Mutex
	news   sync.Cond
	locked struct { // guarded by mu
		waiting map[string][]*eventsv1.Event
		// turns are the namespaces that have any, the next first.
		turns  []string
		count  int
		closed bool
	}
}

func newEventQueue(limit int) *eventQueue {
	q := &eventQueue{limit: limit}
	q.news.L = &q.mu
	q.locked.waiting = map[string][]*eventsv1.Event{}
	return q
}

// put never waits. It reports whether an Event was dropped for want of room, this one or another.
func (q *eventQueue) put(event *eventsv1.Event) (dropped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.locked.waiting[event.Namespace]) == 0 {
		q.locked.turns = append(q.locked.turns, event.Namespace)
	}
	q.locked.waiting[event.Namespace] = append(q.locked.waiting[event.Namespace], event)
	q.locked.count++
	if q.locked.count > q.limit {
		q.dropLatest(q.longest())
		return true
	}
	q.news.Signal()
	return false
}

// longest is called with the lock held.
func (q *eventQueue) longest() string {
	most := q.locked.turns[0]
	for _, namespace := range q.locked.turns {
		if len(q.locked.waiting[namespace]) > len(q.locked.waiting[most]) {
			most = namespace
		}
	}
	return most
}

// dropLatest is called with the lock held. The namespace has at least two: there are more Events than may wait.
func (q *eventQueue) dropLatest(namespace string) {
	events := q.locked.waiting[namespace]
	events[len(events)-1] = nil
	q.locked.waiting[namespace] = events[:len(events)-1]
	q.locked.count--
}

// take waits for an Event; false once the queue is closed and empty.
func (q *eventQueue) take() (*eventsv1.Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.locked.count == 0 {
		if q.locked.closed {
			return nil, false
		}
		q.news.Wait()
	}
	namespace := q.locked.turns[0]
	q.locked.turns = q.locked.turns[1:]
	events := q.locked.waiting[namespace]
	event := events[0]
	events[0] = nil
	q.locked.count--
	if len(events) > 1 {
		q.locked.waiting[namespace] = events[1:]
		q.locked.turns = append(q.locked.turns, namespace)
	} else {
		delete(q.locked.waiting, namespace)
	}
	return event, true
}

func (q *eventQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.locked.count
}

// close lets take end once all have been taken.
func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.locked.closed = true
	q.news.Broadcast()
}
