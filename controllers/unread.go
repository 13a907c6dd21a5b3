package controllers

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// noSlot tells users why a check has not been probed for so long, and what there is to change.
const noSlot = "not probed: as many slow probes as there may be are under way (--max-concurrent-probes)"

// unread keeps the state for a while, and then admits that nothing is known. The probe counts as not done, and is tried
// again after a backoff.
func (r *HealthCheckReconciler) unread(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, failure *probe.ReadError, at time.Time,
) (reconcile.Result, error) {
	left := r.failures.left(r.failures.since(check, at), at)
	if left > 0 && left < longestBackoff(r.Resync) {
		return again(left), nil
	}
	if left <= 0 {
		if err := r.showUnknown(ctx, check, memory, failure.What+": "+whyUnreadable(failure.Err), at); err != nil {
			return backoffAfter(err)
		}
	}
	return backoffAfter(failure)
}

// withoutSlot keeps the state of a check which has no slot for as long as unread does, and then admits that nothing is known:
// nobody can tell when slow probes end. It is tried again all the time. What is Critical stays so: checks that hang are those
// which wait most, and would else be Unknown between their probes.
func (r *HealthCheckReconciler) withoutSlot(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered,
) (reconcile.Result, error) {
	now := r.Clock.Now()
	waited := r.failures.left(r.failures.since(check, now), now) <= 0
	if waited && check.Status.State != v1alpha1.StateCritical {
		if err := r.showUnknown(ctx, check, memory, noSlot, now); err != nil {
			return backoffAfter(err)
		}
	}
	return again(retrySlot), nil
}

// showUnknown shows that nothing is known, for want of a result that is still to come.
func (r *HealthCheckReconciler) showUnknown(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, why string, at time.Time,
) error {
	lost := memory.lost
	defer func() { memory.lost = lost }()
	_, err := r.show(ctx, check, memory, withoutProbe(health.Unread(why), at))
	return err
}
