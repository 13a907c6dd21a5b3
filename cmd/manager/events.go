package main

import (
	"context"
	"fmt"

	eventsv1 "k8s.io/api/events/v1"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// maxConcurrentEvents is how many Events are written at once. Left alone, client-go writes all that there are
// together: when 1,000 aliases follow one check, 1,000 Events would compete with their status writes for the
// API server, and readers would learn the truth half as fast. Events come after it.
const maxConcurrentEvents = 4

// newRecorder records Events for as long as the process lives. One of controller-runtime's would know no limit.
func newRecorder(ctx context.Context, mgr manager.Manager) (events.EventRecorder, error) {
	client, err := eventsclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client for Events: %w", err)
	}
	broadcaster := events.NewBroadcaster(fewAtATime(&events.EventSinkImpl{Interface: client}))
	if err := broadcaster.StartRecordingToSinkWithContext(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("starting to record Events: %w", err)
	}
	return broadcaster.NewRecorder(mgr.GetScheme(), "aliascheck"), nil
}

// fewAtATime lets maxConcurrentEvents calls of a sink pass at once; the others wait.
func fewAtATime(sink events.EventSink) events.EventSink {
	return &narrowSink{EventSink: sink, slots: make(chan struct{}, maxConcurrentEvents)}
}

type narrowSink struct {
	events.EventSink
	slots chan struct{}
}

func (s *narrowSink) Create(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	return s.EventSink.Create(ctx, event)
}

func (s *narrowSink) Patch(ctx context.Context, event *eventsv1.Event, data []byte) (*eventsv1.Event, error) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	return s.EventSink.Patch(ctx, event, data)
}
