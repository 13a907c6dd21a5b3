package healthcheck

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// recall is the last Job of a check where this process does not know what became of it, and it is younger than the
// interval, or could not be looked for: there is one Job per interval, over restarts too. One that has been counted is
// none: it is time for the next. After a maintenance nothing from before it counts.
func (r *Reconciler) recall(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered,
) *probe.Past {
	known := memory.probed && !memory.lost
	noneSince := check.Status.State == v1alpha1.StateMaintenance && memory.job == memory.counted
	if check.Spec.Job == nil || known || noneSince {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, check.Spec.ProbeTimeout())
	defer cancel()
	past := r.Prober.Recall(ctx, check)
	past.Began = earlier(past.Began, r.Clock.Now())
	if job := past.Result.Job; job != "" && job == memory.counted {
		return nil
	}
	if past.Result.Unread == nil && !r.Clock.Now().Before(nextAfter(past, check)) {
		return nil
	}
	return &past
}

// remember judges by a Job that ended before, if its result is not in the status for certain: nothing is there of this
// spec, or the Job is of this process, which has begun some and knows what it has counted. Else, as after a restart, that is thought to be
// counted, and the next Job is waited for.
func (r *Reconciler) remember(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, past probe.Past,
) (reconcile.Result, error) {
	now := r.Clock.Now()
	if past.Result.Unread != nil {
		return r.unread(ctx, check, memory, past.Result.Unread, now)
	}
	r.Grace.Ended(client.ObjectKeyFromObject(check))
	memory.notBefore = nextAfter(past, check)
	uncounted := memory.began || memory.job != "" || memory.awaitsResult(check)
	memory.knows(past.Result.Job)
	if !uncounted {
		memory.counted, memory.lost = memory.job, false
		return r.next(check, memory), nil
	}
	memory.lookedAt, memory.probed = past.Began, true
	return r.show(ctx, check, memory, judge(check, memory, past.Result, now))
}

// earlier keeps the time of a Job, which is of the API server's clock, from the future of this process: where that clock is
// ahead, the next Job would else wait for as long.
func earlier(began, now time.Time) time.Time {
	if now.Before(began) {
		return now
	}
	return began
}

// nextAfter is when the interval since a Job is over for certain: it is known to the second when that began.
func nextAfter(past probe.Past, check *v1alpha1.HealthCheck) time.Time {
	return past.Began.Add(check.Spec.ProbeInterval() + time.Second)
}
