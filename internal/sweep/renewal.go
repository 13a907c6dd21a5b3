package sweep

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
)

// renew replaces a source that has lost events by one that begins with all objects, within the stream. A
// reflector that is told 410 relists too, but after a backoff, which grows to a minute while expiries are
// frequent: a fault that lasts would make states wrong for two intervals, and not for one.
//
// It is false where that is not to be had; then the reflector is told 410. That is so too while the reflector
// itself relists by watch: it does not back off then.
func (s *stream) renew() bool {
	if s.reopen == nil || s.initial.Load() {
		return false
	}
	source, c, err := s.reopen()
	if err != nil {
		return false
	}
	s.source.Stop()
	s.source, s.connection = source, c
	return s.relist()
}

// relist passes on the objects that exist, and then that those are deleted which are cached and do not. If it
// breaks off, what the reflector has is of no one version, and it is told 410 as well.
func (s *stream) relist() bool {
	existing := map[string]bool{}
	for {
		select {
		case <-s.stopped:
			return true
		case <-s.expired:
			return false
		case event, open := <-s.source.ResultChan():
			if !open || event.Type == watch.Error {
				return false
			}
			object, err := meta.Accessor(event.Object)
			if err != nil {
				return false
			}
			if endsInitialEvents(event) {
				return s.deleteAllBut(existing) && s.send(event)
			}
			existing[nameOf(object)] = true
			if !s.send(event) {
				return true
			}
		}
	}
}

// deleteAllBut goes by names and not by versions: after etcd was restored from a backup, what the cache has and
// etcd has not is often newer than all that there is. In any other history nothing cached is newer than the list;
// and if it were, the watch that follows would bring it back.
func (s *stream) deleteAllBut(existing map[string]bool) bool {
	for _, cached := range s.cached() {
		object, err := meta.Accessor(cached)
		if err != nil || existing[nameOf(object)] {
			continue
		}
		if !s.send(watch.Event{Type: watch.Deleted, Object: cached}) {
			return false
		}
	}
	return true
}
