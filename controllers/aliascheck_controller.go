package controllers

import (
	"context"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target"
)

// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=aliaschecks,verbs=get;list;watch
// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=aliaschecks/status,verbs=patch

// AliasCheckReconciler keeps the status of AliasChecks equal to the health of their targets: at once when an
// edge says that something changed, and every Resync whatever the edges lost.
type AliasCheckReconciler struct {
	Client client.Client
	Writer *StatusWriter
	Clock  clock.PassiveClock
	// Resync bounds the time between two reconciles of an alias.
	Resync time.Duration
	// MaxConcurrentReconciles is how many aliases are evaluated at once. They wait for status writes only.
	MaxConcurrentReconciles int

	targets *target.Observer
	// deaf drops every edge, in tests: then the resync alone has to find what changed.
	deaf bool
}

// SetupWithManager registers the reconciler, its indexes and its edges.
func (r *AliasCheckReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := target.AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	r.targets = &target.Observer{Client: r.Client}
	edges := aliasEdges{client: r.Client, deaf: r.deaf}
	return ctrl.NewControllerManagedBy(mgr).
		Named("aliascheck").
		For(&v1alpha1.AliasCheck{}).
		Watches(&v1alpha1.HealthCheck{}, handler.EnqueueRequestsFromMapFunc(edges.ofHealthCheck),
			builder.WithPredicates(visibleChange(whatAliasesSeeOfHealthChecks))).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.MaxConcurrentReconciles,
			EnableWarmup:            new(true),
			RateLimiter:             backoff(),
		}).
		Complete(r)
}

// Reconcile makes one alias show the health of its target.
func (r *AliasCheckReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	alias := &v1alpha1.AliasCheck{}
	if err := r.Client.Get(ctx, request.NamespacedName, alias); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	observedAt := r.Clock.Now()
	observation, err := r.targets.Observe(ctx, alias)
	if err != nil {
		return reconcile.Result{}, err
	}
	updated := alias.DeepCopy()
	updated.Status = health.ApplyObservation(alias, observation, observedAt)
	written, err := r.Writer.Write(ctx, alias, updated, observedAt)
	if dropped(err) {
		return evaluateAgainIn(retrySoon), nil
	}
	if written {
		r.countConvergence(alias, updated)
	}
	return evaluateAgainIn(health.Early(alias.UID, r.Resync)), err
}

// evaluateAgainIn sets the priority too: an alias of the initial list would keep the low one it came with.
func evaluateAgainIn(wait time.Duration) reconcile.Result {
	return reconcile.Result{RequeueAfter: wait, Priority: new(priorityDue)}
}

// countConvergence is only told of changes of state: other writes have no transition to measure from.
func (r *AliasCheckReconciler) countConvergence(before, after *v1alpha1.AliasCheck) {
	if before.Status.State == after.Status.State || before.Status.ObservedGeneration != after.Generation {
		return
	}
	aliasConvergence.Observe(r.Clock.Since(after.Status.LastTransitionTime.Time).Seconds())
}
