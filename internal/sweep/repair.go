package sweep

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/pager"
)

// lost lists the objects, and returns the events that bring the cache in line with that list. A list is used because a proxy
// that holds back streams would hold back a new watch, too. The last event is a bookmark of the list's version: the reflector
// watches on after it.
func (lw *listerWatcher) lost(ctx context.Context) ([]watch.Event, error) {
	// No version: at least as new as all that was written.
	list, _, err := pager.New(lw.ListWithContext).ListWithAlloc(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing what a watch has lost: %w", err)
	}
	items, err := meta.ExtractListWithAlloc(list)
	if err != nil {
		return nil, fmt.Errorf("reading the list of what a watch has lost: %w", err)
	}
	listed, err := meta.ListAccessor(list)
	if err != nil {
		return nil, fmt.Errorf("reading the list of what a watch has lost: %w", err)
	}
	bookmark := lw.example.DeepCopyObject()
	accessor, err := meta.Accessor(bookmark)
	if err != nil {
		return nil, fmt.Errorf("making a bookmark: %w", err)
	}
	accessor.SetResourceVersion(listed.GetResourceVersion())
	return append(difference(lw.cached(), items), watch.Event{Type: watch.Bookmark, Object: bookmark}), nil
}

// difference returns the events that turn the cached objects into the live ones. Deletions are found by name and not by version:
// after etcd was restored from a backup, a cached object that no longer exists is often newer than all that exist.
func difference(cached, live []runtime.Object) (events []watch.Event) {
	versions, gone := map[string]version{}, map[string]runtime.Object{}
	for _, object := range cached {
		if accessor, err := meta.Accessor(object); err == nil {
			versions[nameOf(accessor)], gone[nameOf(accessor)] = versionOf(accessor), object
		}
	}
	for _, object := range live {
		accessor, err := meta.Accessor(object)
		if err != nil {
			continue
		}
		was, known := versions[nameOf(accessor)]
		delete(gone, nameOf(accessor))
		switch {
		case !known:
			events = append(events, watch.Event{Type: watch.Added, Object: object})
		case was != versionOf(accessor):
			events = append(events, watch.Event{Type: watch.Modified, Object: object})
		}
	}
	for _, object := range gone {
		events = append(events, watch.Event{Type: watch.Deleted, Object: object})
	}
	return events
}
