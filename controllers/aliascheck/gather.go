package aliascheck

import (
	"context"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const (
	// gatherFor is how long an alias that combines many waits for further changes, from the first on. Within it a burst of
	// changes of its members is one evaluation: the queue keeps one entry for each alias, due at the earliest of the times
	// that it is given. It is a tenth of what an edge may take.
	gatherFor = 100 * time.Millisecond
	// restFor is how long it rests after an evaluation, while further changes come: a burst of a second is three of them, and
	// the last has all of it.
	restFor = 500 * time.Millisecond
)

// gathered enqueues the aliases that an edge concerns, those that combine many a little later.
type gathered struct {
	handler.EventHandler
	client client.Reader
	rests  *rests
}

func (e aliasEdges) to(concerned handler.MapFunc) handler.EventHandler {
	return gathered{handler.EnqueueRequestsFromMapFunc(concerned), e.client, e.rests}
}

// Create implements handler.EventHandler.
func (g gathered) Create(ctx context.Context, e event.CreateEvent, q requestQueue) {
	g.EventHandler.Create(ctx, e, g.gathering(ctx, q))
}

// Update implements handler.EventHandler.
func (g gathered) Update(ctx context.Context, e event.UpdateEvent, q requestQueue) {
	g.EventHandler.Update(ctx, e, g.gathering(ctx, q))
}

// Delete implements handler.EventHandler.
func (g gathered) Delete(ctx context.Context, e event.DeleteEvent, q requestQueue) {
	g.EventHandler.Delete(ctx, e, g.gathering(ctx, q))
}

// gathering is a queue that gathers. controller-runtime gives handlers one with priorities, whatever the controller's own is.
func (g gathered) gathering(ctx context.Context, queue requestQueue) requestQueue {
	priorities := queue.(priorityqueue.PriorityQueue[reconcile.Request])
	return gatheringQueue{priorities, func(r reconcile.Request) time.Duration {
		if !combinesMany(ctx, g.client, r) {
			return 0
		}
		return max(gatherFor, g.rests.left(r.NamespacedName))
	}}
}

type gatheringQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	delay func(reconcile.Request) time.Duration
}

func (q gatheringQueue) Add(request reconcile.Request) {
	q.AddWithOpts(priorityqueue.AddOpts{}, request)
}

func (q gatheringQueue) AddWithOpts(options priorityqueue.AddOpts, requests ...reconcile.Request) {
	for _, request := range requests {
		options := options
		options.After = max(options.After, q.delay(request))
		q.PriorityQueue.AddWithOpts(options, request)
	}
}

// rests are of the aliases that were evaluated lately. Nil ones are of none.
type rests struct {
	clock clock.PassiveClock

	mu sync.Mutex
	// since is guarded by mu, and holds none that is over for longer than restFor.
	since  map[types.NamespacedName]time.Time
	pruned time.Time
}

func newRests(clock clock.PassiveClock) *rests {
	return &rests{clock: clock, since: map[types.NamespacedName]time.Time{}}
}

// began notes that an alias is evaluated now.
func (r *rests) began(alias types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	if now.Sub(r.pruned) > restFor {
		maps.DeleteFunc(r.since, func(_ types.NamespacedName, since time.Time) bool { return now.Sub(since) > restFor })
		r.pruned = now
	}
	r.since[alias] = now
}

// left is for how much longer an alias rests; zero or less where it does not.
func (r *rests) left(alias types.NamespacedName) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return restFor - r.clock.Since(r.since[alias])
}

// combinesMany reports whether an alias has a selector, or several targets. It reads the cache without a copy.
func combinesMany(ctx context.Context, reader client.Reader, request reconcile.Request) bool {
	alias := &v1alpha1.AliasCheck{}
	err := reader.Get(ctx, request.NamespacedName, alias, client.UnsafeDisableDeepCopy)
	return err == nil && combines(alias)
}

func combines(alias *v1alpha1.AliasCheck) bool {
	return alias.Spec.Selector != nil || len(alias.Spec.Targets) > 1
}
