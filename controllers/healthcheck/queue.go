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

// queue is that of the controller, for what ends beside it.
type queue struct {
	// context is that of the controller. Nothing is reconciled before it is there.
	context context.Context // probes live as long as the controller, and not as a reconcile
	keys    workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// take is a source.Func.
func (q *queue) take(ctx context.Context, keys workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	q.context, q.keys = ctx, keys
	return nil
}

// add asks for a look at a check after a while. It states the priority, which would otherwise stay the low one of an
// object of the initial list.
func (q *queue) add(key types.NamespacedName, after time.Duration) {
	request := reconcile.Request{NamespacedName: key}
	if keys, ok := q.keys.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		keys.AddWithOpts(priorityqueue.AddOpts{After: after, Priority: new(status.PriorityDue)}, request)
		return
	}
	q.keys.AddAfter(request, after)
}
