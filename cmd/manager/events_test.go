package main

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/client-go/tools/events"
)

func TestEventsAreWrittenAFewAtATime(t *testing.T) {
	full := &countingSink{entered: make(chan struct{}), release: make(chan struct{})}
	sink := fewAtATime(full)
	var writers sync.WaitGroup
	const all = 10 * maxConcurrentEvents
	for i := range all {
		writers.Go(func() {
			if i%2 == 0 {
				_, _ = sink.Create(t.Context(), nil)
			} else {
				_, _ = sink.Patch(t.Context(), nil, nil)
			}
		})
	}
	for range maxConcurrentEvents {
		<-full.entered
	}
	for range all - maxConcurrentEvents {
		full.release <- struct{}{}
		<-full.entered // one leaves, and only then does the next one come
	}
	close(full.release)
	writers.Wait()
	if most := full.most.Load(); most != maxConcurrentEvents {
		t.Errorf("%d were written at once, want %d", most, maxConcurrentEvents)
	}
}

// countingSink holds every caller until it is released.
type countingSink struct {
	events.EventSink
	entered, release chan struct{}
	now, most        atomic.Int64
}

func (s *countingSink) Create(context.Context, *eventsv1.Event) (*eventsv1.Event, error) {
	now := s.now.Add(1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	s.entered <- struct{}{}
	<-s.release
	s.now.Add(-1)
	return nil, nil
}

func (s *countingSink) Patch(ctx context.Context, event *eventsv1.Event, _ []byte) (*eventsv1.Event, error) {
	return s.Create(ctx, event)
}
