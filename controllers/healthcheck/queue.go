package healthcheck

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/internal/status"
)

// queue is the workqueue of the controller, for probes that end outside of Reconcile.
type queue struct {
	// context is that of the controller: a probe outlives the reconcile that starts it. It is set before anything is reconciled.
	context context.Context
	keys    priorityqueue.PriorityQueue[reconcile.Request]
}

// take is a source.Func. controller-runtime gives sources a queue with priorities.
func (q *queue) take(ctx context.Context, keys workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	q.context, q.keys = ctx, keys.(priorityqueue.PriorityQueue[reconcile.Request])
	return nil
}

// add asks for a look at a check after a while. It states the priority, which would otherwise stay the low one of an
// object of the initial list.
func (q *queue) add(key types.NamespacedName, after time.Duration) {
	q.keys.AddWithOpts(priorityqueue.AddOpts{After: after, Priority: new(status.PriorityDue)}, reconcile.Request{NamespacedName: key})
}
