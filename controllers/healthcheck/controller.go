package healthcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/ledger"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/runner"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/internal/status"
)

// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthchecks,verbs=get;list;watch
// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthchecks/status,verbs=update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create

const (
	// maxConcurrentCalls is how many checks are written at once, or read live. In a first start every one has something to
	// write; a thousand writes together time out at a small API server, and the leader's lease with them, and with 64 a crowd
	// that flaps delays the watches of everybody. Eight at 10 ms each are 800 a second.
	maxConcurrentCalls = 8
	// maxConcurrentReconciles is more than that: while the API server hangs, there are workers left that start probes.
	maxConcurrentReconciles = 64
)

// Reconciler probes HealthChecks when they are due, and keeps their status.
type Reconciler struct {
	// Client reads from the watch cache, Live past it.
	Client, Live client.Reader
	Writer       *status.Writer
	Prober       probe.Prober
	Clock        clock.PassiveClock
	// Resync bounds the time between two reconciles of a check.
	Resync time.Duration
	// Shard says which checks are the manager's own.
	Shard shard.Shard
	// Own remembers what the reconciler has written.
	Own *status.OwnWrites[*v1alpha1.HealthCheck]
	// MaxConcurrentProbes is how many probes run at once.
	MaxConcurrentProbes int
	// ReadGrace is for how long a check keeps its state while what its probe needs cannot be read, and SlotGrace while it
	// waits for a slot that probes of others hold.
	ReadGrace, SlotGrace health.Grace

	ledgers *ledgers
	runner  *runner.Runner[seen]
	queue   queue
	calls   *calls
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.ledgers = newLedgers(&ledger.Options{Resync: r.Resync, TypeOf: probe.TypeOf})
	r.runner = runner.New[seen](r.MaxConcurrentProbes, r.wake)
	r.calls = newCalls(maxConcurrentCalls, func(key types.NamespacedName) { r.queue.add(key, 0) })
	if err := mgr.Add(manager.RunnableFunc(r.awaitProbes)); err != nil {
		return fmt.Errorf("adding the runner: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("healthcheck").
		For(&v1alpha1.HealthCheck{}, builder.WithPredicates(r.Shard.Own())).
		WatchesRawSource(source.Func(r.queue.take)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: maxConcurrentReconciles,
			EnableWarmup:            new(true),
			RateLimiter:             status.Backoff(r.Resync),
		}).
		Complete(r)
}

// Reconcile makes one HealthCheck show what is known of it, has it probed if that is due, and says when to look again.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	check, err := r.read(ctx, request.NamespacedName)
	if check == nil {
		return status.BackoffAfter(err)
	}
	e, readAt := r.ledgers.entry(request.NamespacedName), r.Clock.Now()
	step, err := r.see(ctx, e, check)
	step, running := r.probe(e, step)
	if err == nil {
		step, err = r.show(ctx, e, step, readAt)
	}
	return r.requeue(e, step, running, err)
}

// read gets a check from the cache, or as it was written if the cache is behind that, without a copy: the inside of it is
// shared. If the check does not exist, or is of another shard, it returns nil, and forgets what was kept for it.
func (r *Reconciler) read(ctx context.Context, key types.NamespacedName) (*v1alpha1.HealthCheck, error) {
	check := &v1alpha1.HealthCheck{}
	err := r.Client.Get(ctx, key, check, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		r.forget(key)
		r.Own.Forget(key)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the check: %w", err)
	}
	check = r.Own.Latest(check)
	if !r.Shard.Has(check) {
		r.forget(key)
		return nil, nil
	}
	return check, nil
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.ledgers.forget(key)
	r.runner.End(key)
	r.calls.leave(key)
}

// see tells the ledger of the check as it was read from the cache and, if the ledger asks for that, as it is live. If the live
// read fails, the check is probed nevertheless.
func (r *Reconciler) see(ctx context.Context, e *entry, check *v1alpha1.HealthCheck) (ledger.Step, error) {
	step := e.do(func(l *ledger.Ledger) { l.Saw(check, r.Clock.Now()) }, r.Clock)
	if !step.ReadLive {
		return step, nil
	}
	live := &v1alpha1.HealthCheck{}
	err := r.calls.do(e.key, false, func() error { return r.Own.ReadLive(ctx, r.Live, e.key, live) })
	if err != nil {
		return step, fmt.Errorf("reading the check live: %w", client.IgnoreNotFound(err))
	}
	if !r.Shard.Has(live) { // the cache does not have that yet
		r.forget(e.key)
		return ledger.Step{}, nil
	}
	return e.do(func(l *ledger.Ledger) { l.SawLive(live, r.Clock.Now()) }, r.Clock), nil
}

// show writes the status where the API has another than the ledger. It bears the version of a check that was read after
// the probe behind it. After a standstill of the process that is not enough: a successor may have seen something newer.
func (r *Reconciler) show(ctx context.Context, e *entry, step ledger.Step, readAt time.Time) (ledger.Step, error) {
	if step.Show == nil {
		r.calls.leave(e.key)
		return step, nil
	}
	if r.Writer.Standstill.StoodSince(step.ChangedAt) {
		r.trace(ctx, e, "Dropped what was seen before the process stood still")
		return e.do((*ledger.Ledger).StoodStill, r.Clock), status.ErrObservationTooOld
	}
	written := false
	err := r.calls.do(e.key, edited(step.Shown), func() (err error) {
		written, err = r.Writer.Write(ctx, step.Shown, step.Show, readAt)
		return err
	})
	if !written && err == nil || errors.Is(err, status.ErrObservationTooOld) || errors.Is(err, errBusy) {
		return step, err
	}
	if err == nil {
		r.Own.Keep(step.Show)
	} else {
		r.trace(ctx, e, "The write of a status was refused or not answered", "error", err.Error())
	}
	return e.do(func(l *ledger.Ledger) { l.Wrote(step.Show, err) }, r.Clock), err
}

// edited reports whether a check has shown nothing yet of what a user has just changed. That does not wait for others, as what is
// only new does: in a first start that is everything.
func edited(check *v1alpha1.HealthCheck) bool {
	return check.Status.ObservedGeneration != check.Generation && max(check.Status.ObservedGeneration, check.Generation-1) > 0
}

// requeue says when to look again. While a probe runs, its end wakes the key.
func (r *Reconciler) requeue(e *entry, step ledger.Step, running bool, err error) (reconcile.Result, error) {
	switch {
	case status.Superseded(err):
		return status.Again(retryConflict), nil
	case errors.Is(err, errBusy):
		return status.Again(min(max(step.After, status.RetrySoon), retryCall)), nil
	case status.Dropped(err):
		return status.Again(status.RetrySoon), nil
	case err != nil:
		r.queue.add(e.key, step.After) // the backoff may last for longer than until the next probe is due
		return status.BackoffAfter(err)
	case running && step.Meanwhile == 0:
		return status.BackoffAfter(nil)
	case running:
		return status.Again(step.Meanwhile), nil
	default:
		return status.Again(step.After), nil
	}
}

// retryCall is when a check that waits for a call asks again at the latest; mostly it is woken.
const retryCall = 5 * time.Second

// retryConflict is how long after a conflict the check is read live.
const retryConflict = 100 * time.Millisecond

// wake is called when there is a slot for a check that waited for one.
func (r *Reconciler) wake(key types.NamespacedName) {
	r.ledgers.entry(key).retry()
	r.queue.add(key, 0)
}

// awaitProbes keeps the process until every probe has ended.
func (r *Reconciler) awaitProbes(ctx context.Context) error {
	<-ctx.Done()
	r.runner.Close()
	return nil
}

// trace says why a check is not probed, and why it shows what it does.
func (r *Reconciler) trace(ctx context.Context, e *entry, why string, values ...any) {
	if log := logf.FromContext(ctx).V(1); log.Enabled() {
		log.Info(why, append(values, "healthcheck", e.key.String(), "ledger", e.String())...)
	}
}
