package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/reference"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// maxConcurrentEvents is how many Events are written at once. They come after the truth: when 1,000 aliases follow
	// one check, as many Events must not compete with the status writes for the API server.
	maxConcurrentEvents = 2
	// eventLull is how long there must have been no new Event, and so no status write that changed a state, before one
	// is written, and maxEventDelay how long one waits for that at the longest. Most crowds of aliases have followed by then.
	eventLull     = 50 * time.Millisecond
	maxEventDelay = time.Second
	// maxWaitingEvents is how many Events wait for that, at about 2 KiB each. In a longer flood the others are dropped.
	maxWaitingEvents = 8192
	// eventRetry is how soon an Event that was not taken is written again, and eventPatience how long the API server may be away
	// until it is given up.
	eventRetry    = 2 * time.Second
	eventPatience = time.Minute

	// reportingController is the name by which Events say who wrote them.
	reportingController = "aliascheck"
)

// eventWriter is an EventRecorder with bounds. The one of client-go has a goroutine for each Event that waits, and
// keeps each for minutes to find repetitions; as every Event here is of a new resourceVersion, it would find none.
type eventWriter struct {
	client   eventsclient.EventsV1Interface
	scheme   *runtime.Scheme
	log      logr.Logger
	instance string
	waiting  *eventQueue
	// lastAt is when the last Event came, in nanoseconds since 1970.
	lastAt  atomic.Int64
	dropped prometheus.Counter
}

var eventsDropped = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "aliascheck_events_dropped_total",
	Help: "Events that were not written: too many waited, or the API server did not take them.",
})

var _ events.EventRecorder = (*eventWriter)(nil)

// newRecorder records Events for as long as the process lives, not only until ctx ends: those of the last writes too. Each
// has a queue of its own, so that the Events of 50,000 pods do not keep those of a check waiting.
func newRecorder(ctx context.Context, mgr manager.Manager) (*eventWriter, error) {
	client, err := eventsclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client for Events: %w", err)
	}
	w := newEventWriter(client, mgr.GetScheme())
	w.start(ctx)
	return w, nil
}

func newEventWriter(client eventsclient.EventsV1Interface, scheme *runtime.Scheme) *eventWriter {
	host, _ := os.Hostname() // it only helps a reader to find the replica
	return &eventWriter{
		client:   client,
		scheme:   scheme,
		log:      ctrl.Log.WithName("events"),
		instance: reportingController + "-" + host,
		waiting:  newEventQueue(maxWaitingEvents),
		dropped:  eventsDropped,
	}
}

// start writes for as long as the process lives. Once it is to end, no Event waits for a lull.
func (w *eventWriter) start(ctx context.Context) {
	for range maxConcurrentEvents {
		go func() {
			for event, open := w.waiting.take(); open; event, open = w.waiting.take() {
				w.awaitLull(ctx, event)
				w.write(context.WithoutCancel(ctx), event)
			}
		}()
	}
}

func (w *eventWriter) awaitLull(ctx context.Context, event *eventsv1.Event) {
	for ctx.Err() == nil {
		left := min(eventLull-time.Since(time.Unix(0, w.lastAt.Load())), maxEventDelay-time.Since(event.EventTime.Time))
		if left <= 0 {
			return
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
		}
	}
}

// Eventf implements events.EventRecorder. It never waits.
func (w *eventWriter) Eventf(regarding, related runtime.Object, eventType, reason, action, note string, args ...any) {
	event, err := w.event(regarding, related)
	if err != nil {
		w.log.Error(err, "Making an Event", "reason", reason)
		return
	}
	event.Type, event.Reason, event.Action, event.Note = eventType, reason, action, fmt.Sprintf(note, args...)
	w.lastAt.Store(event.EventTime.UnixNano())
	if w.waiting.put(event) {
		w.dropped.Inc()
	}
}

func (w *eventWriter) event(regarding, related runtime.Object) (*eventsv1.Event, error) {
	about, err := reference.GetReference(w.scheme, regarding)
	if err != nil {
		return nil, fmt.Errorf("referring to the object of an Event: %w", err)
	}
	now := time.Now()
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: orDefaultNamespace(about.Namespace),
			Name:      fmt.Sprintf("%.200s.%x", about.Name, now.UnixNano()),
		},
		EventTime:           metav1.NewMicroTime(now),
		ReportingController: reportingController,
		ReportingInstance:   w.instance,
		Regarding:           *about,
	}
	if related != nil {
		if event.Related, err = reference.GetReference(w.scheme, related); err != nil {
			return nil, fmt.Errorf("referring to what an Event is related to: %w", err)
		}
	}
	return event, nil
}

// orDefaultNamespace is where Events of cluster-scoped objects are.
func orDefaultNamespace(namespace string) string {
	if namespace == "" {
		return metav1.NamespaceDefault
	}
	return namespace
}

// write tries until the API server has taken the Event, has refused it, or was away for too long.
func (w *eventWriter) write(ctx context.Context, event *eventsv1.Event) {
	var refused error
	err := wait.PollUntilContextTimeout(ctx, eventRetry, eventPatience, true, func(ctx context.Context) (bool, error) {
		_, refused = w.client.Events(event.Namespace).Create(ctx, event, metav1.CreateOptions{})
		return refused == nil || final(refused), nil
	})
	if err == nil && refused == nil || apierrors.IsAlreadyExists(refused) {
		return
	}
	w.dropped.Inc()
	w.log.V(1).Info("An Event was not written", "namespace", event.Namespace, "name", event.Name, "error", fmt.Sprint(refused))
}

// final reports whether the API server has refused an Event, and would do so again: its namespace is being deleted, or
// it was written by a try whose answer got lost.
func final(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsInvalid(err) ||
		apierrors.IsAlreadyExists(err) || apierrors.IsBadRequest(err)
}
