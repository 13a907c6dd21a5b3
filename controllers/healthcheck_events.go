package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Priorities of the workqueue of HealthChecks. Where all workers are busy, what a user has just said comes
// first. They are always set: an item of the initial list would otherwise keep the low priority that
// controller-runtime gives it, for ever. Slow checks have no lower one: there is no ageing in the queue, and
// others could starve them. They are held back by slots instead.
const (
	priorityEdit = 10
	priorityDue  = 0
)

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
		priority = priorityDue
	}
	h.supersede(e.Object, false)
	enqueue(q, e.Object, priority)
}

// Update implements handler.EventHandler.
func (h *healthCheckEvents) Update(_ context.Context, e event.UpdateEvent, q requestQueue) {
	priority := priorityDue
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
	enqueue(q, e.Object, priorityDue)
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

// backoff delays what failed at the API server: soon at first, and for longer each time.
func backoff(resync time.Duration) workqueue.TypedRateLimiter[reconcile.Request] {
	longest := longestBackoff(resync)
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](min(100*time.Millisecond, longest), longest)
}

// longestBackoff is never more than half a resync, so that what failed once is looked at no later than what never did.
func longestBackoff(resync time.Duration) time.Duration { return min(30*time.Second, resync/2) }
