package healthcheck

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/status"
)

// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthchecks,verbs=get;list;watch
// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthchecks/status,verbs=update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create

// Reconciler probes HealthChecks when they are due, and keeps their status.
type Reconciler struct {
	// Client reads from the watch cache, Live past it.
	Client, Live client.Reader
	Writer       *status.Writer
	Prober       probe.Prober
	Clock        clock.PassiveClock
	// Resync bounds the time between two reconciles of a check.
	Resync time.Duration
	// Own is what the reconciler has written; nil for nothing.
	Own *status.OwnWrites[*v1alpha1.HealthCheck]
	// MaxConcurrentProbes is how many probes run at once.
	MaxConcurrentProbes int
	// Grace is for how long checks keep their state while what their probes need cannot be read.
	Grace health.Grace

	memory *probeMemory
	probes *inflight
	slots  slots
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.memory, r.probes, r.slots = newProbeMemory(), newInflight(), slotsOf(r.MaxConcurrentProbes)
	return ctrl.NewControllerManagedBy(mgr).
		Named("healthcheck").
		Watches(&v1alpha1.HealthCheck{}, &healthCheckEvents{probes: r.probes}).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.MaxConcurrentProbes,
			EnableWarmup:            new(true),
			RateLimiter:             status.Backoff(r.Resync),
		}).
		Complete(r)
}

// Reconcile looks at one HealthCheck, probes it if that is due, and says when to look again.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	check, err := r.read(ctx, request)
	if err != nil {
		return status.BackoffAfter(err)
	}
	if check == nil {
		return reconcile.Result{}, nil
	}
	memory := r.memory.of(check, r.Clock.Now())
	if memory.behind(check) {
		return status.Again(status.RetrySoon), nil
	}
	memory.recognise(check, r.Clock.Now())
	if verdict, unprobed := health.WithoutProbe(check); unprobed {
		r.Grace.Ended(request.NamespacedName)
		memory.counted = memory.job // nothing from before it counts after it
		return r.show(ctx, check, memory, health.Unprobed(verdict, r.Clock.Now()))
	}
	if verdict, initial := health.Initial(check); initial {
		return r.show(ctx, check, memory, health.Unprobed(verdict, r.Clock.Now()))
	}
	if !memory.dueAtOnce(check) && r.Clock.Now().Before(memory.due(check, r.Resync)) {
		return r.next(check, memory), nil
	}
	return r.look(ctx, check, memory)
}

// look judges a check that is due: by its last Job where that is still to be counted, and else by a probe, if there is a
// slot for it.
func (r *Reconciler) look(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered,
) (reconcile.Result, error) {
	if past := r.recall(ctx, check, memory); past != nil {
		return r.remember(ctx, check, memory, *past)
	}
	slot := r.slots.try(check, memory)
	if slot == nil {
		return r.withoutSlot(ctx, check, memory)
	}
	defer slot.release()
	result, at, err := r.observe(ctx, check, memory, slot)
	switch {
	case errors.Is(err, errNoSlot):
		return r.withoutSlot(ctx, check, memory)
	case err != nil:
		return status.Again(status.RetrySoon), nil
	case result.Unread != nil:
		memory.lost = true
		return r.unread(ctx, check, memory, result.Unread, at)
	}
	r.Grace.Ended(client.ObjectKeyFromObject(check))
	return r.show(ctx, check, memory, judge(check, memory, result, at))
}

// read gets a check from the cache, without a copy: the inside of it is the cache's. It is nil where there is none.
func (r *Reconciler) read(ctx context.Context, request reconcile.Request) (*v1alpha1.HealthCheck, error) {
	check := &v1alpha1.HealthCheck{}
	err := r.Client.Get(ctx, request.NamespacedName, check, client.UnsafeDisableDeepCopy)
	if err == nil {
		check, err = r.beyondCache(ctx, check)
	}
	if apierrors.IsNotFound(err) {
		r.memory.forget(request.NamespacedName)
		r.Grace.Ended(request.NamespacedName)
		r.Own.Forget(request.NamespacedName)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the check: %w", err)
	}
	return check, nil
}

// beyondCache is a check as it was in the cache, unless that has not caught up with a write of this process for a while: its
// watch has stalled. Then it is read live or, where that fails too, is what was written. So it goes on being probed.
func (r *Reconciler) beyondCache(
	ctx context.Context, cached *v1alpha1.HealthCheck,
) (*v1alpha1.HealthCheck, error) {
	key := client.ObjectKeyFromObject(cached)
	memory := r.memory.of(cached, r.Clock.Now())
	switch {
	case !memory.behind(cached):
		r.Own.Forget(key)
		return cached, nil
	case !memory.stalled(cached, r.Clock.Now()):
		return cached, nil
	}
	check, err := r.live(ctx, key)
	if err == nil {
		r.memory.of(check, r.Clock.Now()).rewind(check)
		return check, nil
	}
	if own := r.Own.Latest(cached); own != cached && !apierrors.IsNotFound(err) {
		return own, nil
	}
	return nil, err
}

// live reads a check past the cache.
func (r *Reconciler) live(ctx context.Context, key client.ObjectKey) (*v1alpha1.HealthCheck, error) {
	check := &v1alpha1.HealthCheck{}
	return check, r.Own.ReadLive(ctx, r.Live, key, check)
}

// observe probes once, and says when that ended. It has no result but an error if the probe was broken off: see brokenOff. A
// Job may go on without the probe; its end is still to be counted.
func (r *Reconciler) observe(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, slot *slot,
) (result probe.Result, at time.Time, err error) {
	began := r.Clock.Now()
	if late := began.Sub(memory.due(check, r.Resync)); late >= 0 && memory.scheduled(check) {
		probeLateness.Observe(late.Seconds())
	}
	ctx, done := r.probes.begin(ctx, check)
	defer done()
	r.supersedeIfEdited(ctx, check)
	ctx, free := slot.bound(ctx, slotless)
	defer free()
	limited, cancel := context.WithTimeout(ctx, check.Spec.ProbeTimeout())
	defer cancel()

	memory.began = memory.began || check.Spec.Job != nil
	result = r.probe(limited, check)
	memory.knows(result.Job)
	if err := r.brokenOff(ctx, began); err != nil {
		if errors.Is(err, errNoSlot) {
			memory.felt(check, true)
		}
		memory.lost = true
		return probe.Result{}, time.Time{}, err
	}
	at = r.Clock.Now()
	took := at.Sub(began)
	memory.felt(check, isSlow(took, check.Spec.ProbeTimeout()))
	if result.Unread != nil {
		return result, at, nil
	}
	memory.lookedAt, memory.probed = began, true
	if check.Spec.Job != nil {
		memory.notBefore = began.Add(check.Spec.ProbeInterval() - time.Second)
	}
	countProbe(probe.TypeOf(check.Spec), result.Outcome, took)
	return result, at, nil
}

// brokenOff is why the probe with this context has no result: there is no slot for it, its check has changed, or the manager
// ends. It also has none if the process stood still meanwhile: the answer may have come before that, and a successor may
// have seen a newer one since.
func (r *Reconciler) brokenOff(ctx context.Context, began time.Time) error {
	if ctx.Err() == nil && r.Writer.Standstill.StoodSince(began) {
		return status.ErrObservationTooOld
	}
	return context.Cause(ctx)
}

// supersedeIfEdited ends a probe that has just begun if its check was edited after it had been read, and so
// before there was a probe which the event of that edit could have ended.
func (r *Reconciler) supersedeIfEdited(ctx context.Context, check *v1alpha1.HealthCheck) {
	now := &v1alpha1.HealthCheck{}
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(check), now, client.UnsafeDisableDeepCopy); err != nil {
		return // deleted: the event of that comes, or has ended the probe
	}
	if now.UID != check.UID || now.Generation >= check.Generation {
		r.probes.supersede(now, false)
	}
}

// probe asks the prober, and holds a panic of it to be a failure of this one check.
func (r *Reconciler) probe(ctx context.Context, check *v1alpha1.HealthCheck) (result probe.Result) {
	defer func() {
		if panicked := recover(); panicked != nil {
			logf.FromContext(ctx).Error(fmt.Errorf("panic: %v", panicked), "The prober panicked", "stack", string(debug.Stack()))
			result = probe.Result{
				Outcome: health.Failed,
				Reason:  v1alpha1.ReasonProbeFailed,
				Message: "internal error of the prober: see the log of the manager",
			}
		}
	}()
	return r.Prober.Probe(ctx, check)
}

// show writes the judgement if the status differs from it, and says when to look again.
func (r *Reconciler) show(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, j health.Judgement,
) (reconcile.Result, error) {
	updated, err := r.write(ctx, check, memory, j)
	if apierrors.IsConflict(err) {
		updated, err = r.writeOnto(ctx, check, memory, j, err)
	}
	if status.Dropped(err) {
		return status.Again(status.RetrySoon), nil
	}
	if err != nil {
		return status.BackoffAfter(err)
	}
	if j.Probed {
		memory.counted = memory.job
	}
	memory.accept(updated, r.Clock.Now())
	return r.next(updated, memory), nil
}

func (r *Reconciler) write(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, j health.Judgement,
) (*v1alpha1.HealthCheck, error) {
	updated := status.Shallow(check)
	updated.Status = j.ApplyTo(check, probe.TypeOf(check.Spec))
	written, err := r.Writer.Write(ctx, check, updated, j.At)
	memory.lost = err != nil
	if err != nil {
		memory.tried(j.ApplyTo(check, probe.TypeOf(check.Spec)), j.Probed)
		return updated, err
	}
	memory.attempted = nil // what is written still, is so over this, and is looked at again
	if written {
		r.Own.Keep(updated)
	}
	return updated, nil
}

// writeOnto writes to the check as it is now, if only such things have changed since it was read as no result
// depends on: a label, an annotation. Who writes those more often than a slow probe ends would otherwise keep
// every result of it from being seen. After an edit, a recreation or a write of the status the conflict stands. That write
// may have been this process's own, and then its watch is late.
func (r *Reconciler) writeOnto(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, j health.Judgement, conflict error,
) (*v1alpha1.HealthCheck, error) {
	now, err := r.live(ctx, client.ObjectKeyFromObject(check))
	if err != nil {
		return nil, fmt.Errorf("reading the check after a conflict: %w", err)
	}
	memory.recognise(now, r.Clock.Now())
	if identityOf(now) != identityOf(check) || !health.SameStatus(now, check) {
		return nil, conflict
	}
	return r.write(ctx, now, memory, j)
}

// next is the requeue for the next due time, or for the resync where that comes first.
func (r *Reconciler) next(check *v1alpha1.HealthCheck, memory *remembered) reconcile.Result {
	wait := health.Early(check.UID, r.Resync)
	if exempt(check) {
		return status.Again(wait)
	}
	if memory.dueAtOnce(check) {
		return status.Again(time.Nanosecond)
	}
	untilDue := memory.due(check, r.Resync).Sub(r.Clock.Now())
	return status.Again(max(min(wait, untilDue), time.Nanosecond))
}

// exempt reports whether a check is not to be probed.
func exempt(check *v1alpha1.HealthCheck) bool {
	_, exempted := health.WithoutProbe(check)
	return exempted
}

// judge is what the result of a probe makes of a check.
func judge(check *v1alpha1.HealthCheck, memory *remembered, result probe.Result, at time.Time) health.Judgement {
	return health.Judge(check, memory.foreign(check), result.Outcome, result.Reason, result.Message, at)
}
