package healthcheck

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/status"
)

// noSlot tells users why a check has not been probed for so long, and what there is to change.
const noSlot = "not probed: as many slow probes as there may be are under way (--max-concurrent-probes)"

// unread keeps the state for a while, and then admits that nothing is known. The probe counts as not done, and is tried
// again after a backoff.
func (r *Reconciler) unread(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, failure *probe.ReadError, at time.Time,
) (reconcile.Result, error) {
	left := r.Grace.Left(r.Grace.Since(check, at), at)
	if left > 0 && left < status.LongestBackoff(r.Resync) {
		return status.Again(left), nil
	}
	if left <= 0 {
		if err := r.showUnknown(ctx, check, memory, failure.What+": "+status.WhyUnreadable(failure.Err), at); err != nil {
			return status.BackoffAfter(err)
		}
	}
	return status.BackoffAfter(failure)
}

// withoutSlot keeps the state of a check which has no slot for as long as unread does, and then admits that nothing is known:
// nobody can tell when slow probes end. It is tried again all the time. What is Critical stays so: checks that hang are those
// which wait most, and would else be Unknown between their probes.
func (r *Reconciler) withoutSlot(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered,
) (reconcile.Result, error) {
	now := r.Clock.Now()
	waited := r.Grace.Left(r.Grace.Since(check, now), now) <= 0
	if waited && check.Status.State != v1alpha1.StateCritical {
		if err := r.showUnknown(ctx, check, memory, noSlot, now); err != nil {
			return status.BackoffAfter(err)
		}
	}
	return status.Again(retrySlot), nil
}

// showUnknown shows that nothing is known, for want of a result that is still to come.
func (r *Reconciler) showUnknown(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, why string, at time.Time,
) error {
	lost := memory.lost
	defer func() { memory.lost = lost }()
	_, err := r.show(ctx, check, memory, health.Unprobed(health.Unread(why), at))
	return err
}
