package readinessgate

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/gate"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/internal/status"
)

// These have a role of their own, so that whoever runs without --readiness-gates need not grant them.
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch,roleName=readiness-gates-role
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch,roleName=readiness-gates-role

// Reconciler keeps the conditions of pods that name an AliasCheck as a readiness gate: True while the
// alias is Ready, and False otherwise. Its keys are pods. It has a queue and workers of its own, so that thousands
// of pods which follow one alias, or a rollout, never delay an alias.
//
// The cache of its client must hold pods as StripPod leaves them.
type Reconciler struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Resync bounds the time between two reconciles of a gated pod.
	Resync time.Duration
	// Shard says which pods are the manager's own. Their aliases may be of any.
	Shard shard.Shard
	// MaxConcurrent is how many pods are written at once.
	MaxConcurrent int
	// Standstill keeps a process that stood still for too long from writing. No conflict would: the patches of pods apply to any
	// version.
	Standstill *status.Standstill
	// Details bounds how often mere messages are written.
	Details *status.Details
	// Aliases remembers what the reconciler of aliases has written, and Pods what this one has.
	Aliases *status.OwnWrites[*v1alpha1.AliasCheck]
	Pods    *status.OwnWrites[*corev1.Pod]
	// Uninstalling reports whether AliasCheck is being uninstalled: that closes no gate.
	Uninstalling func(context.Context) (bool, error)
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := indexGates(ctx, mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("indexing pods by the aliases that their gates name: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("readinessgate").
		Watches(&corev1.Pod{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(r.Shard.Own(), gatesChanged())).
		Watches(&v1alpha1.AliasCheck{}, handler.EnqueueRequestsFromMapFunc(r.PodsGatedOn), builder.WithPredicates(aliasChanged())).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.MaxConcurrent,
			EnableWarmup:            new(true),
			RateLimiter:             status.Backoff(r.Resync),
			NewQueue:                status.Queue,
		}).
		Complete(r)
}

// Reconcile brings the conditions of one pod in line with the aliases that its gates name.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	observedAt := r.Clock.Now()
	pod := &corev1.Pod{}
	if err := r.Client.Get(ctx, request.NamespacedName, pod); err != nil {
		r.Pods.Forget(request.NamespacedName)
		return status.BackoffAfter(client.IgnoreNotFound(err))
	}
	pod = r.Pods.Latest(pod)
	if len(gate.Aliases(pod)) == 0 || gate.Finished(pod) || !r.Shard.Has(pod) {
		return reconcile.Result{}, nil
	}
	aliases, err := r.observe(ctx, pod)
	if err != nil {
		return status.BackoffAfter(err)
	}
	due := slices.DeleteFunc(gate.Due(pod, aliases, observedAt), func(c corev1.PodCondition) bool { return r.tooOften(pod, c) })
	stay, err := r.stay(ctx, due)
	if err == nil && !stay {
		err = r.write(ctx, pod, due, observedAt)
	}
	if status.Dropped(err) {
		return status.Again(status.RetrySoon), nil
	}
	if err != nil {
		return status.BackoffAfter(err)
	}
	return status.Again(health.Early(pod.UID, r.Resync)), nil
}

// tooOften reports whether a condition that differs in its message alone has to wait: the resync finds it.
func (r *Reconciler) tooOften(pod *corev1.Pod, due corev1.PodCondition) bool {
	key := string(pod.UID) + "/" + string(due.Type)
	shown := gate.Shown(pod, due.Type)
	if shown == nil || shown.Status != due.Status || shown.Reason != due.Reason {
		r.Details.News(key)
		return false
	}
	return !r.Details.Allow(key, r.Clock.Now())
}

// observe reads the aliases that the gates of a pod name. One that does not exist is not among them.
func (r *Reconciler) observe(ctx context.Context, pod *corev1.Pod) (map[string]*v1alpha1.AliasCheck, error) {
	aliases := map[string]*v1alpha1.AliasCheck{}
	for _, name := range gate.Aliases(pod) {
		alias := &v1alpha1.AliasCheck{}
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, alias)
		switch {
		case err == nil:
			aliases[name] = r.Aliases.Latest(alias)
		case client.IgnoreNotFound(err) != nil:
			return nil, fmt.Errorf("reading AliasCheck %s: %w", name, err)
		}
	}
	return aliases, nil
}

// stay reports whether the conditions of a pod stay as they are although others are due: while AliasCheck is uninstalled. It
// costs a live read of one small object, where a gate is about to close.
func (r *Reconciler) stay(ctx context.Context, due []corev1.PodCondition) (bool, error) {
	if !closes(due) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, status.MaxObservationAge)
	defer cancel()
	stay, err := r.Uninstalling(ctx)
	if stay {
		logf.FromContext(ctx).V(1).Info("AliasCheck is being uninstalled: gates stay as they are", "due", due[0].Reason)
	}
	return stay, err
}

// write patches the conditions that are due, all at once, and then tells of those whose status has changed.
func (r *Reconciler) write(
	ctx context.Context, pod *corev1.Pod, due []corev1.PodCondition, observedAt time.Time,
) error {
	if len(due) == 0 {
		return nil
	}
	if status.TooOld(observedAt, r.Clock.Now(), r.Standstill) {
		return status.ErrObservationTooOld
	}
	ctx, cancel := context.WithTimeout(ctx, status.MaxObservationAge)
	defer cancel()
	version, err := PatchConditions(ctx, r.Client, pod, due)
	status.CountWrite(pod, err)
	if err != nil {
		if status.Superseded(err) {
			r.Pods.Refused(pod)
		}
		return fmt.Errorf("writing the conditions of readiness gates: %w", err)
	}
	r.Pods.Keep(gate.With(pod, due, version))
	r.tell(pod, due)
	return nil
}
