package aliascheck

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/internal/status"
	"github.com/aliascheck/aliascheck/internal/target"
)

// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=aliaschecks,verbs=get;list;watch
// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=aliaschecks/status,verbs=update
// +kubebuilder:rbac:groups="",resources=services;nodes;namespaces,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=referencegrants,verbs=list;watch

// Reconciler keeps the status of AliasChecks equal to the health of their targets: at once when an
// edge says that something changed, and every Resync whatever the edges lost.
type Reconciler struct {
	Client client.Client
	// Live reads past the watch cache.
	Live   client.Reader
	Writer *status.Writer
	Clock  clock.PassiveClock
	// Resync bounds the time between two reconciles of an alias.
	Resync time.Duration
	// MaxConcurrentReconciles is how many aliases are evaluated at once. They wait for status writes only.
	MaxConcurrentReconciles int
	// Shard says which aliases are the manager's own. Their targets may be of any.
	Shard shard.Shard
	// Namespaces that the manager watches; all if empty.
	Namespaces []string
	// ClusterScoped are the cluster-scoped kinds, as Kind or Kind.group, that aliases of all namespaces may refer to; Node by
	// default.
	ClusterScoped []string
	// NewInformer makes the informers of kinds that are watched while an alias needs them; client-go's by default.
	NewInformer target.NewInformerFunc
	// FailingSince is that of the sweep which covers the cache and NewInformer.
	FailingSince target.FailingSinceFunc
	// Own remembers what the reconciler has written, for itself and for others that read aliases.
	Own *status.OwnWrites[*v1alpha1.AliasCheck]
	// RetryKind is how long to wait before a kind that is not installed is asked for again; 20 s by default.
	RetryKind time.Duration
	// Linger is for how long a kind is watched that no alias needs any longer; ten minutes by default.
	Linger time.Duration
	// Grace is for how long aliases keep a state that cannot be confirmed.
	Grace health.Grace
	// DropEvents drops every edge, in tests: then the resync alone has to find what changed.
	DropEvents bool
	// WithoutNodes leaves Nodes alone, which the manager may not read: they belong to no namespace.
	WithoutNodes bool
	// Evaluated, where set, is called after each evaluation, in tests.
	Evaluated func()
	// Targets reads targets; SetupWithManager makes it.
	Targets *target.Observer

	rests    *rests
	failures failures
}

// SetupWithManager registers the reconciler, its indexes and its edges.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := target.AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	watches, err := target.NewWatches(target.WatchesOptions{
		Config:        mgr.GetConfig(),
		NewInformer:   r.NewInformer,
		Namespaces:    r.Namespaces,
		ClusterScoped: r.ClusterScoped,
		Retry:         r.RetryKind,
		Linger:        r.Linger,
		Log:           mgr.GetLogger().WithName("watches"),
	})
	if err != nil {
		return err
	}
	r.rests = newRests(r.Clock)
	r.Targets = &target.Observer{
		Client: r.Client, Watches: watches, Namespaces: r.Namespaces, FailingSince: r.FailingSince, WithoutNodes: r.WithoutNodes,
		Clock: r.Clock,
	}
	return r.watch(mgr, aliasEdges{client: r.Client, shard: r.Shard, dropEvents: r.DropEvents, rests: r.rests})
}

func (r *Reconciler) watch(mgr ctrl.Manager, edges aliasEdges) error {
	controlled := ctrl.NewControllerManagedBy(mgr)
	if !r.WithoutNodes {
		controlled.Watches(&corev1.Node{}, edges.through(ofNode), onChangeOf(seenOfNode))
	}
	return controlled.
		Named("aliascheck").
		For(&v1alpha1.AliasCheck{}, builder.WithPredicates(r.Shard.Own(), notOwn(r.Own))).
		Watches(&v1alpha1.AliasCheck{}, edges.through(ofAlias), onChangeOf(seenOfAlias)).
		Watches(&v1alpha1.AliasCheck{}, edges.to(edges.throughAlias), onChangeOf(targetOfAlias, notInitial())).
		Watches(&v1alpha1.HealthCheck{}, edges.through(ofHealthCheck), onChangeOf(seenOfHealthCheck)).
		Watches(&corev1.Service{}, edges.through(ofService), onChangeOf(seenOfService)).
		Watches(&discoveryv1.EndpointSlice{}, edges.through(ofEndpointSlice), onChangeOf(seenOfEndpointSlice)).
		WatchesRawSource(source.Func(r.runWatches(edges))).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.MaxConcurrentReconciles,
			EnableWarmup:            new(true),
			RateLimiter:             status.Backoff(r.Resync),
			NewQueue:                status.Queue,
		}).
		Complete(r)
}

type requestQueue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// runWatches turns what the watches of other kinds see into requests.
func (r *Reconciler) runWatches(edges aliasEdges) func(context.Context, requestQueue) error {
	return func(ctx context.Context, queue requestQueue) error {
		r.Targets.Watches.Run(ctx, func(event target.Event) {
			gathering := gathered{client: r.Client, rests: r.rests}.gathering(ctx, queue)
			for _, request := range edges.ofWatched(ctx, event) {
				gathering.Add(request)
			}
		})
		return nil
	}
}

// WatchedKinds are the kinds that are watched now because an alias needs them.
func (r *Reconciler) WatchedKinds() []schema.GroupVersionKind {
	return r.Targets.Watches.Kinds()
}

// Reconcile makes one alias show the health of its target.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	alias, err := r.read(ctx, request)
	if err != nil {
		return status.BackoffAfter(err)
	}
	if alias == nil {
		return reconcile.Result{}, nil
	}
	if combines(alias) {
		r.rests.began(request.NamespacedName)
	}
	observedAt := r.Clock.Now()
	observation, err := r.observe(ctx, alias)
	if err != nil {
		return r.unreadable(ctx, alias, observation, err)
	}
	if r.Evaluated != nil {
		defer r.Evaluated()
	}
	result, err := r.show(ctx, alias, observation, observedAt)
	return r.inTime(result, observation, observedAt), err
}

// inTime makes the next look come no later than the end of the grace of what cannot be confirmed, or of a maintenance.
func (r *Reconciler) inTime(
	result reconcile.Result, observation health.Observation, now time.Time,
) reconcile.Result {
	for _, since := range observation.Failing() {
		result.RequeueAfter = min(result.RequeueAfter, r.Grace.Left(since, now))
	}
	if changes := observation.Changes(); !changes.IsZero() {
		result.RequeueAfter = min(result.RequeueAfter, max(changes.Sub(now), time.Millisecond))
	}
	return result
}

// read gets an alias from the cache, or as it was written if the cache is behind that, without a copy: the inside of it is
// shared. If the alias does not exist, or is of another shard, it returns nil, and forgets what was kept for it.
func (r *Reconciler) read(ctx context.Context, request reconcile.Request) (*v1alpha1.AliasCheck, error) {
	alias := &v1alpha1.AliasCheck{}
	err := r.Client.Get(ctx, request.NamespacedName, alias, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		r.forget(request)
		r.Own.Forget(request.NamespacedName)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the alias: %w", err)
	}
	alias = r.Own.Latest(alias)
	if !r.Shard.Has(alias) {
		r.forget(request)
		return nil, nil
	}
	return alias, nil
}

// observe looks at the target. With an error the observation says since when there has been one.
func (r *Reconciler) observe(ctx context.Context, alias *v1alpha1.AliasCheck) (health.Observation, error) {
	observation, err := r.look(ctx, alias)
	if err != nil {
		observation.FailingSince = r.failures.since(alias, r.Clock.Now())
		return observation, err
	}
	r.failures.ended(client.ObjectKeyFromObject(alias))
	return observation, observation.Confirmed(r.Grace, r.Clock.Now())
}

// look reads the target. A panic counts as a failed read of this one alias, which keeps its state for as long as after any other
// failed read.
func (r *Reconciler) look(
	ctx context.Context, alias *v1alpha1.AliasCheck,
) (observation health.Observation, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			observation.Target = target.DisplayOf(alias)
			err = fmt.Errorf("reading the target panicked: %v\n%s", panicked, debug.Stack())
		}
	}()
	return r.Targets.Observe(ctx, alias)
}

func (r *Reconciler) forget(request reconcile.Request) {
	r.failures.ended(request.NamespacedName)
	r.Targets.Forget(request.NamespacedName)
}

// show writes the status that an observation makes, if it differs, and says when to look again.
func (r *Reconciler) show(
	ctx context.Context, alias *v1alpha1.AliasCheck, observation health.Observation, observedAt time.Time,
) (reconcile.Result, error) {
	updated := status.Shallow(alias)
	updated.Status = health.ApplyObservation(alias, observation, observedAt)
	written, err := r.Writer.Write(ctx, alias, updated, observedAt)
	if status.Superseded(err) && r.Own.Refused(alias) {
		// Somebody else has written it since, and the cache does not have that either. If this read fails too, the next look
		// begins with the cache.
		_ = r.Own.ReadLive(ctx, r.Live, client.ObjectKeyFromObject(alias), &v1alpha1.AliasCheck{})
	}
	if status.Dropped(err) {
		return status.Again(status.RetrySoon), nil
	}
	if err != nil {
		return status.BackoffAfter(err)
	}
	if written {
		r.Own.Keep(updated)
		r.countConvergence(alias, updated)
	}
	return status.Again(health.Early(alias.UID, r.Resync)), nil
}

// unreadable keeps the state for the grace, and then shows that nothing is known: of the alias, or of those of several targets
// that cannot be read. If the other targets decide the state whatever the unread ones are, it is shown at once.
func (r *Reconciler) unreadable(
	ctx context.Context, alias *v1alpha1.AliasCheck, observation health.Observation, err error,
) (reconcile.Result, error) {
	now := r.Clock.Now()
	wait := health.Early(alias.UID, r.Resync)
	if left := r.Grace.Left(observation.FailingSince, now); left > 0 && !health.Decided(alias, observation) {
		return r.retryRead(err, min(wait, left))
	}
	result, writeErr := r.show(ctx, alias, unread(observation, err), now)
	if writeErr != nil || result.RequeueAfter < wait { // the write failed, or was dropped
		return result, writeErr
	}
	return r.retryRead(err, wait)
}

// unread is the observation when something could not be read.
func unread(observation health.Observation, err error) health.Observation {
	if !observation.PartlyRead() {
		return health.ReadError(observation.Target, status.WhyUnreadable(err))
	}
	return observation.ReadErrors(status.WhyUnreadable)
}

// retryRead leaves a read error to the backoff, unless that could outlast the wait. A watch that has only just begun is not
// an error: it wakes the alias by itself, which need not look again before the wait is over.
func (r *Reconciler) retryRead(err error, wait time.Duration) (reconcile.Result, error) {
	if errors.Is(err, target.ErrNotYet) || wait < status.LongestBackoff(r.Resync) {
		return status.Again(wait), nil
	}
	return status.BackoffAfter(err)
}

// countConvergence measures changes of state only: other writes have no transition to measure from.
func (r *Reconciler) countConvergence(before, after *v1alpha1.AliasCheck) {
	if before.Status.State == after.Status.State || before.Status.ObservedGeneration != after.Generation {
		return
	}
	aliasConvergence.Observe(r.Clock.Since(after.Status.LastTransitionTime.Time).Seconds())
}
