package aliascheck

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// gatherFor is how long an alias that combines many waits for further changes, from the first on. Within it a burst of
// changes of its members is one evaluation: the queue keeps one entry for each alias, due at the earliest of the times that
// it is given. It is a tenth of what an edge may take.
const gatherFor = 100 * time.Millisecond

// gathered enqueues the aliases that an edge concerns, those that combine many a little later.
type gathered struct {
	handler.EventHandler
	client client.Reader
}

func (e aliasEdges) to(concerned handler.MapFunc) handler.EventHandler {
	return gathered{handler.EnqueueRequestsFromMapFunc(concerned), e.client}
}

// Create implements handler.EventHandler.
func (g gathered) Create(ctx context.Context, e event.CreateEvent, q requestQueue) {
	g.EventHandler.Create(ctx, e, gathering(ctx, g.client, q))
}

// Update implements handler.EventHandler.
func (g gathered) Update(ctx context.Context, e event.UpdateEvent, q requestQueue) {
	g.EventHandler.Update(ctx, e, gathering(ctx, g.client, q))
}

// Delete implements handler.EventHandler.
func (g gathered) Delete(ctx context.Context, e event.DeleteEvent, q requestQueue) {
	g.EventHandler.Delete(ctx, e, gathering(ctx, g.client, q))
}

// gathering is a queue that gathers. One without priorities is left as it is, and only costs more evaluations.
func gathering(ctx context.Context, reader client.Reader, queue requestQueue) requestQueue {
	if priorities, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		return gatheringQueue{priorities, func(r reconcile.Request) bool { return combinesMany(ctx, reader, r) }}
	}
	return queue
}

type gatheringQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	combines func(reconcile.Request) bool
}

func (q gatheringQueue) Add(request reconcile.Request) {
	q.AddWithOpts(priorityqueue.AddOpts{}, request)
}

func (q gatheringQueue) AddWithOpts(options priorityqueue.AddOpts, requests ...reconcile.Request) {
	for _, request := range requests {
		options := options
		if q.combines(request) {
			options.After = max(options.After, gatherFor)
		}
		q.PriorityQueue.AddWithOpts(options, request)
	}
}

// combinesMany reports whether an alias has a selector, or several targets. It reads the cache without a copy.
func combinesMany(ctx context.Context, reader client.Reader, request reconcile.Request) bool {
	alias := &v1alpha1.AliasCheck{}
	err := reader.Get(ctx, request.NamespacedName, alias, client.UnsafeDisableDeepCopy)
	return err == nil && (alias.Spec.Selector != nil || len(alias.Spec.Targets) > 1)
}
