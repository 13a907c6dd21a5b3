package healthcheck

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/status"
)

// priorityEdit is that of a check that was created or edited: where all workers are busy, what a user has just said comes
// first. Slow checks have no lower one: there is no ageing in the queue, and others could starve them. They are held back
// by slots instead.
const priorityEdit = 10

// healthCheckEvents turns events of HealthChecks into requests. Status updates are not filtered away: a
// status that anybody else has written is repaired at once. An edit ends the probe that it makes obsolete.
type healthCheckEvents struct {
	probes *inflight
}

var _ handler.EventHandler = (*healthCheckEvents)(nil)

type requestQueue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Create implements handler.EventHandler.
func (h *healthCheckEvents) Create(_ context.Context, e event.CreateEvent, q requestQueue) {
	priority := priorityEdit
	if e.IsInInitialList {
		priority = status.PriorityDue
	}
	h.supersede(e.Object, false)
	enqueue(q, e.Object, priority)
}

// Update implements handler.EventHandler.
func (h *healthCheckEvents) Update(_ context.Context, e event.UpdateEvent, q requestQueue) {
	priority := status.PriorityDue
	before, after := asHealthCheck(e.ObjectOld), asHealthCheck(e.ObjectNew)
	if before != nil && after != nil && identityOf(before) != identityOf(after) {
		priority = priorityEdit
	}
	h.supersede(e.ObjectNew, false)
	enqueue(q, e.ObjectNew, priority)
}

// Delete implements handler.EventHandler.
func (h *healthCheckEvents) Delete(_ context.Context, e event.DeleteEvent, q requestQueue) {
	h.supersede(e.Object, true)
	enqueue(q, e.Object, priorityEdit)
}

// Generic implements handler.EventHandler.
func (h *healthCheckEvents) Generic(_ context.Context, e event.GenericEvent, q requestQueue) {
	enqueue(q, e.Object, status.PriorityDue)
}

func (h *healthCheckEvents) supersede(object client.Object, deleted bool) {
	if check := asHealthCheck(object); check != nil {
		h.probes.supersede(check, deleted)
	}
}

func asHealthCheck(object client.Object) *v1alpha1.HealthCheck {
	check, _ := object.(*v1alpha1.HealthCheck)
	return check
}

func enqueue(q requestQueue, object client.Object, priority int) {
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}}
	if queue, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		queue.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, request)
		return
	}
	q.Add(request)
}
