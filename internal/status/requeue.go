package status

import (
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/internal/share"
)

// PriorityDue is the priority of a key that is due. It is always stated: an object of the initial list would otherwise
// keep the low one that controller-runtime gives it.
const PriorityDue = 0

// RetrySoon is how long after a dropped result, at the latest, a check is looked at again; mostly an event comes first.
const RetrySoon = time.Second

const (
	// firstBackoff is how long after a failed call of the API server the first retry comes. Each next one waits twice as long, up
	// to maxBackoff.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 30 * time.Second
)

// Again asks for another look.
func Again(after time.Duration) reconcile.Result {
	return reconcile.Result{RequeueAfter: after, Priority: new(PriorityDue)}
}

// BackoffAfter leaves the next look to the backoff, or to the next event where there is no error.
func BackoffAfter(err error) (reconcile.Result, error) {
	return reconcile.Result{Priority: new(PriorityDue)}, err
}

// Queue is a workqueue in which namespaces take turns, for controllers whose workers write: however many objects of one
// namespace wait to be written, the next of another waits for one of them. A namespace that is alone has all workers.
func Queue(
	name string, backoff workqueue.TypedRateLimiter[reconcile.Request],
) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	turns := share.NewTurns(func(r reconcile.Request) string { return r.Namespace })
	ready := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{Name: name, Queue: turns})
	return prompt{workqueue.NewTypedRateLimitingQueueWithConfig(backoff, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(
			workqueue.TypedDelayingQueueConfig[reconcile.Request]{Name: name, Queue: ready}),
	})}
}

// prompt is a queue that ends at once. Those of client-go hand out all that is in them first, which the end of a process does
// not have the time for.
type prompt struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Get implements workqueue.TypedInterface.
func (q prompt) Get() (request reconcile.Request, over bool) {
	request, over = q.TypedRateLimitingInterface.Get()
	if !over && q.ShuttingDown() {
		q.Done(request)
		return reconcile.Request{}, true
	}
	return request, over
}

// Backoff delays what failed at the API server: soon at first, and for longer each time.
func Backoff(resync time.Duration) workqueue.TypedRateLimiter[reconcile.Request] {
	longest := LongestBackoff(resync)
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](min(firstBackoff, longest), longest)
}

// LongestBackoff is never more than half a resync, so that what failed once is looked at no later than what never did.
func LongestBackoff(resync time.Duration) time.Duration { return min(maxBackoff, resync/2) }
