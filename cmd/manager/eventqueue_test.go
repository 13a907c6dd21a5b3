package main

import (
	"fmt"
	"strings"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func eventIn(namespace string, i int) *eventsv1.Event {
	return &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("%s-%d", namespace, i)}}
}

func namesOf(q *eventQueue) string {
	q.close()
	var names []string
	for {
		event, open := q.take()
		if !open {
			return strings.Join(names, " ")
		}
		names = append(names, event.Name)
	}
}

func TestEventsAreTakenInTurnByNamespace(t *testing.T) {
	q := newEventQueue(100)
	for i := range 3 {
		q.put(eventIn("noisy", i))
	}
	q.put(eventIn("quiet", 0))
	q.put(eventIn("other", 0))
	if got, want := namesOf(q), "noisy-0 quiet-0 other-0 noisy-1 noisy-2"; got != want {
		t.Errorf("they are taken as %s, want %s", got, want)
	}
}

func TestTheNamespaceWithTheMostEventsLosesItsLatest(t *testing.T) {
	q := newEventQueue(4)
	for i := range 4 {
		if q.put(eventIn("noisy", i)) {
			t.Errorf("Event %d is dropped, and there is room", i)
		}
	}
	for i := range 2 {
		if !q.put(eventIn("quiet", i)) {
			t.Error("none is dropped, and there is no room")
		}
	}
	if !q.put(eventIn("noisy", 4)) || q.len() != 4 {
		t.Errorf("%d wait, want 4", q.len())
	}
	if got, want := namesOf(q), "noisy-0 quiet-0 noisy-1 quiet-1"; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
}
