package controllers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthchecks,verbs=get;list;watch
// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthchecks/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// HealthCheckReconciler probes HealthChecks when they are due, and keeps their status.
type HealthCheckReconciler struct {
	// Client reads from the watch cache.
	Client client.Reader
	Writer *StatusWriter
	Prober probe.Prober
	Clock  clock.PassiveClock
	// Resync bounds the time between two reconciles of a check.
	Resync time.Duration
	// MaxConcurrentProbes is how many probes run at once.
	MaxConcurrentProbes int

	memory *probeMemory
	probes *inflight
}

// SetupWithManager registers the reconciler.
func (r *HealthCheckReconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.memory, r.probes = newProbeMemory(), newInflight()
	return ctrl.NewControllerManagedBy(mgr).
		Named("healthcheck").
		Watches(&v1alpha1.HealthCheck{}, &healthCheckEvents{probes: r.probes}).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.MaxConcurrentProbes,
			EnableWarmup:            new(true),
			RateLimiter:             backoff(),
		}).
		Complete(r)
}

// Reconcile looks at one HealthCheck, probes it if that is due, and says when to look again.
func (r *HealthCheckReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	check := &v1alpha1.HealthCheck{}
	// Read only: the inside of the object is the cache's.
	if err := r.Client.Get(ctx, request.NamespacedName, check, client.UnsafeDisableDeepCopy); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.memory.forget(request.NamespacedName)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	memory := r.memory.of(check, r.Clock.Now())
	if memory.behind(check) {
		return r.again(memory, retrySoon), nil
	}
	if verdict, unprobed := health.WithoutProbe(check); unprobed {
		return r.show(ctx, check, memory, withoutProbe(verdict, r.Clock.Now()))
	}
	if verdict, initial := health.Initial(check); initial {
		return r.show(ctx, check, memory, withoutProbe(verdict, r.Clock.Now()))
	}
	if !memory.dueAtOnce(check) && r.Clock.Now().Before(memory.due(check, r.Resync)) {
		return r.next(check, memory), nil
	}
	result, at, err := r.observe(ctx, check, memory)
	if err != nil {
		return r.again(memory, retrySoon), client.IgnoreNotFound(ignoreEnded(err))
	}
	return r.show(ctx, check, memory, judge(check, memory, result, at))
}

// observe probes once, and says when that ended. A check that changes meanwhile ends the probe and has no result.
func (r *HealthCheckReconciler) observe(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered,
) (probe.Result, time.Time, error) {
	began := r.Clock.Now()
	if !memory.dueAtOnce(check) {
		probeLateness.Observe(began.Sub(memory.due(check, r.Resync)).Seconds())
	}
	ctx, ended := r.probes.begin(ctx, check)
	defer ended()
	limited, cancel := context.WithTimeout(ctx, check.Spec.ProbeTimeout())
	defer cancel()

	result := r.probe(limited, check)
	if ctx.Err() != nil {
		return probe.Result{}, time.Time{}, context.Cause(ctx)
	}
	memory.lookedAt, memory.probed = began, true
	memory.slow = limited.Err() != nil
	countProbe(probe.TypeOf(check.Spec), result.Outcome, r.Clock.Since(began))
	return result, r.Clock.Now(), nil
}

// probe asks the prober, and holds a panic of it to be a failure of this one check.
func (r *HealthCheckReconciler) probe(ctx context.Context, check *v1alpha1.HealthCheck) (result probe.Result) {
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
func (r *HealthCheckReconciler) show(
	ctx context.Context, check *v1alpha1.HealthCheck, memory *remembered, j judgement,
) (reconcile.Result, error) {
	updated := shallow(check)
	updated.Status = j.applyTo(check)
	_, err := r.Writer.Write(ctx, check, updated, j.at)
	memory.unwritten = err != nil
	if dropped(err) {
		return r.again(memory, retrySoon), nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	memory.accept(updated)
	return r.next(updated, memory), nil
}

// shallow is a copy that shares its inside with the original. It is enough to give it another status: what the
// API server answers to a write replaces all of it.
func shallow(check *v1alpha1.HealthCheck) *v1alpha1.HealthCheck {
	updated := *check
	return &updated
}

// next is the requeue for the next due time, or for the resync where that comes first.
func (r *HealthCheckReconciler) next(check *v1alpha1.HealthCheck, memory *remembered) reconcile.Result {
	wait := health.Early(check.UID, r.Resync)
	if exempt(check) {
		return r.again(memory, wait)
	}
	if memory.dueAtOnce(check) {
		return r.again(memory, time.Nanosecond)
	}
	untilDue := memory.due(check, r.Resync).Sub(r.Clock.Now())
	return r.again(memory, max(min(wait, untilDue), time.Nanosecond))
}

// retrySoon is how long after a dropped result, at the latest, the check is looked at again; mostly an event comes first.
const retrySoon = time.Second

func (r *HealthCheckReconciler) again(memory *remembered, after time.Duration) reconcile.Result {
	return reconcile.Result{RequeueAfter: after, Priority: new(priorityOf(memory))}
}

// ignoreEnded drops what ends a probe from outside: the check has changed, or the manager stops.
func ignoreEnded(err error) error {
	if errors.Is(err, errSuperseded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
