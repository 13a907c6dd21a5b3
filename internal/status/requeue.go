package status

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
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

// NotYetError says that a namespace has written so much that an object of it has to wait for its turn.
type NotYetError struct{ Wait time.Duration }

func (e NotYetError) Error() string {
	return fmt.Sprintf("the namespace has written more than its share: the turn of this object comes in %s", e.Wait)
}

func waits(err error) bool {
	_, ok := errors.AsType[NotYetError](err)
	return ok
}

// RetryAfter is when to look again after a dropped result.
func RetryAfter(dropped error) time.Duration {
	if notYet, ok := errors.AsType[NotYetError](dropped); ok {
		return notYet.Wait
	}
	return RetrySoon
}

// Again asks for another look.
func Again(after time.Duration) reconcile.Result {
	return reconcile.Result{RequeueAfter: after, Priority: new(PriorityDue)}
}

// BackoffAfter leaves the next look to the backoff, or to the next event where there is no error.
func BackoffAfter(err error) (reconcile.Result, error) {
	return reconcile.Result{Priority: new(PriorityDue)}, err
}

// Backoff delays what failed at the API server: soon at first, and for longer each time.
func Backoff(resync time.Duration) workqueue.TypedRateLimiter[reconcile.Request] {
	longest := LongestBackoff(resync)
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](min(firstBackoff, longest), longest)
}

// LongestBackoff is never more than half a resync, so that what failed once is looked at no later than what never did.
func LongestBackoff(resync time.Duration) time.Duration { return min(maxBackoff, resync/2) }
