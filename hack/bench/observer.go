package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// sighting is an object that was seen to change.
type sighting struct {
	name string
	at   time.Time
}

// observer sees changes as a user's watch does. It reads metadata only, so that it costs little beside what
// is measured.
type observer struct {
	sightings chan sighting
	// notes is what counts: changes, or, of Events, that there is a new one.
	notes watch.EventType
	watch watch.Interface
}

func (w *world) observe(ctx context.Context, kind schema.GroupVersionResource) (*observer, error) {
	objects := w.metadata.Resource(kind).Namespace(namespace)
	list, err := objects.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", kind.Resource, err)
	}
	o := &observer{sightings: make(chan sighting, 1<<17), notes: watch.Modified}
	if kind == events {
		o.notes = watch.Added
	}
	// It comes back where the API server ends a watch, as it does while CRDs settle.
	o.watch, err = watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{WatchFuncWithContext: objects.Watch})
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", kind.Resource, err)
	}
	go o.follow()
	return o, nil
}

func (o *observer) follow() {
	defer close(o.sightings)
	for event := range o.watch.ResultChan() {
		at := time.Now()
		if object, err := meta.Accessor(event.Object); err == nil && event.Type == o.notes {
			o.sightings <- sighting{object.GetName(), at}
		}
	}
}

func (o *observer) close() { o.watch.Stop() }

// all waits until n different objects whose names begin so have been seen to change, and says when the last one was.
func (o *observer) all(ctx context.Context, prefix string, n int) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	seen := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%d of %d objects were seen to change: %w", len(seen), n, ctx.Err())
		case s, open := <-o.sightings:
			if !open {
				return time.Time{}, fmt.Errorf("the watch ended when %d of %d objects were seen", len(seen), n)
			}
			if strings.HasPrefix(s.name, prefix) {
				seen[s.name] = true
			}
			if len(seen) == n {
				return s.at, nil
			}
		}
	}
}

// drain forgets what was seen until nothing has come for a while.
func (o *observer) drain(ctx context.Context, quiet time.Duration) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.sightings:
		case <-time.After(quiet):
			return nil
		}
	}
}
