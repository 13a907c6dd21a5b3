package sweep

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
)

// informer sweeps itself for as long as it runs.
type informer struct {
	toolscache.SharedIndexInformer
	sweeper *Sweeper
	kind    schema.GroupVersionKind
	watches *listerWatcher
	log     logr.Logger
	// hurried holds a token while the next round is to come soon.
	hurried chan struct{}
}

// Run is part of cache.SharedInformer.
func (i *informer) Run(stop <-chan struct{}) {
	i.RunWithContext(wait.ContextForChannel(stop))
}

// RunWithContext is part of cache.SharedInformer.
func (i *informer) RunWithContext(ctx context.Context) {
	rounds, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { i.sweep(rounds) })
	i.sweeper.running.add(i)
	i.SharedIndexInformer.RunWithContext(ctx)
	i.sweeper.running.remove(i)
	cancel()
	wg.Wait()
}

// sweep goes round until the context ends. The first round is anywhere in the first interval, which spreads
// the kinds; later ones are early by 5 to 10 %, which leaves time for the grace and the repair within one
// interval and 5 s. After a loss in any kind the next round of every kind comes sooner.
func (i *informer) sweep(ctx context.Context) {
	pause := rand.N(i.sweeper.interval)
	retry := i.sweeper.retryAfter()
	failures := 0 // since the last round that succeeded
	for i.sweeper.pause(ctx, pause, i.hurried) {
		began := i.sweeper.clock.Now()
		err := i.round(ctx)
		if ctx.Err() != nil {
			return
		}
		i.tell(err, failures)
		if err == nil {
			pause = i.sweeper.interval*9/10 + rand.N(i.sweeper.interval/20+1)
			retry, failures = i.sweeper.retryAfter(), 0
			continue
		}
		i.watches.evidence.refuted(began, err)
		pause = retry.Step()
		failures++
	}
}

// hurry makes the next round come soon. It may be called during a round.
func (i *informer) hurry() {
	select {
	case i.hurried <- struct{}{}:
	default: // it is to come soon already
	}
}

// tell logs when sweeps begin to fail and when they succeed again, but not each failure in between.
func (i *informer) tell(err error, failedBefore int) {
	switch {
	case err == nil && failedBefore > 0:
		i.log.Info("The sweep succeeds again", "failed", failedBefore)
	case err != nil && failedBefore == 0:
		i.log.Info("The sweep fails, and is tried again until it succeeds", "error", err.Error())
	case err != nil:
		i.log.V(1).Info("The sweep has failed again", "failed", failedBefore+1, "error", err.Error())
	}
}

// round is one comparison of the cache with the API server, and what follows from it.
func (i *informer) round(ctx context.Context) error {
	seen := i.watches.current()
	if seen.relists() { // left alone, it fills the cache
		if seen.stalledFor(i.sweeper.interval / 2) {
			i.expire(seen, "Gave up a watch that begins with all objects and delivers nothing: listing them", nil)
		}
		i.hurry() // to see soon whether it has stalled, which costs no list
		return nil
	}
	began := i.sweeper.clock.Now()
	lost, err := i.lost(ctx)
	switch {
	case err != nil:
		return err
	case len(lost) == 0:
		i.watches.evidence.confirmed()
	default:
		i.watches.evidence.refuted(began, nil)
		i.expire(seen, "A watch has lost events: repaired by a list", lost)
		i.sweeper.running.hurry()
	}
	return nil
}

// lost are the objects that the cache lacks: two comparisons found it behind, and it has not caught up in between.
func (i *informer) lost(ctx context.Context) (gaps, error) {
	missed, err := i.look(ctx)
	if err != nil {
		return nil, err
	}
	if missed = i.settle(ctx, missed); len(missed) == 0 {
		return nil, nil
	}
	again, err := i.look(ctx)
	return missed.confirmedBy(again), err
}

// watchesIn reports whether the informer has the objects of a namespace. An empty one is that of cluster-scoped objects.
func (i *informer) watchesIn(namespace string) bool {
	address := i.watches.asked.get()
	if address == nil {
		return true
	}
	q, err := questionIn(address, i.sweeper.prefix)
	return err != nil || q.namespace == "" || q.namespace == namespace
}

// look lists what is live and notes where the cache is behind.
func (i *informer) look(ctx context.Context) (gaps, error) {
	address := i.watches.asked.get()
	if address == nil {
		return nil, fmt.Errorf("the informer of %s has made no request through the sweep's transport yet", i.kind.Kind)
	}
	q, err := questionIn(address, i.sweeper.prefix)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, i.sweeper.lookTimeout())
	defer cancel()
	before := i.newestCached()
	live, err := list(ctx, i.sweeper.client, q)
	if err != nil {
		return nil, err
	}
	cached := i.cached()
	if live.rewound(before) {
		return live.unlike(cached), nil // what is newer than the list belongs to a history that was undone
	}
	return live.missedBy(cached), nil
}

// settle gives the cache the grace to catch up, and returns the gaps that are left.
func (i *informer) settle(ctx context.Context, missed gaps) gaps {
	const steps = 10
	for step := 0; step < steps && len(missed) > 0; step++ {
		if !i.sweeper.pause(ctx, i.sweeper.grace/steps, nil) {
			return nil
		}
		missed = missed.untouched(i.cachedVersion)
	}
	return missed
}

func (i *informer) expire(seen *connection, why string, lost gaps) {
	if !i.watches.expire(seen) {
		i.log.V(1).Info("The cache is behind, but its watch is new", "objects", len(lost))
		return
	}
	i.sweeper.stale.WithLabelValues(i.kind.Kind).Add(float64(len(lost)))
	values := []any{"staleObjects", len(lost)}
	if len(lost) > 0 {
		first := lost.names()[0]
		values = append(values, "first", first, "versions", lost[first].String())
	}
	i.log.Info(why, values...)
}

// The cache is read in place, without copies: nothing of its objects is kept but strings.

func (i *informer) objects() []runtime.Object {
	stored := i.GetIndexer().List()
	objects := make([]runtime.Object, 0, len(stored))
	for _, item := range stored {
		if object, ok := item.(runtime.Object); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

func (i *informer) cached() map[string]version {
	objects := i.GetIndexer().List()
	versions := make(map[string]version, len(objects))
	for _, object := range objects {
		if accessor, err := meta.Accessor(object); err == nil {
			versions[nameOf(accessor)] = versionOf(accessor)
		}
	}
	return versions
}

func (i *informer) cachedVersion(name string) version {
	object, exists, err := i.GetIndexer().GetByKey(name)
	if err != nil || !exists {
		return version{}
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return version{}
	}
	return versionOf(accessor)
}

func (i *informer) newestCached() string {
	newest := ""
	for _, object := range i.GetIndexer().List() {
		accessor, err := meta.Accessor(object)
		if err == nil && (newest == "" || newer(accessor.GetResourceVersion(), newest)) {
			newest = accessor.GetResourceVersion()
		}
	}
	return newest
}

// pause waits for d, or for less if it is hurried. It returns false if the context ended first.
func (s *Sweeper) pause(ctx context.Context, d time.Duration, hurried <-chan struct{}) bool {
	due := s.clock.Now().Add(d)
	timer := s.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	case <-hurried:
		timer.Stop()
		return s.pause(ctx, min(s.soon(), due.Sub(s.clock.Now())), nil)
	}
}
