package healthrule

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthrules,verbs=list;watch
// +kubebuilder:rbac:groups=health.aliascheck.dev,resources=healthrules/status,verbs=update

// Reconciler keeps the condition Accepted of HealthRules.
type Reconciler struct {
	Client client.Client
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("healthrule").
		For(&v1alpha1.HealthRule{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		// What is in force depends on the others of its kind.
		Watches(&v1alpha1.HealthRule{}, handler.EnqueueRequestsFromMapFunc(r.others),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(r)
}

// Reconcile judges one HealthRule.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	all, err := r.all(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	for i := range all {
		if all[i].Name == request.Name {
			return reconcile.Result{}, r.show(ctx, all[i].DeepCopy(), rules.Judge(&all[i], all))
		}
	}
	return reconcile.Result{}, nil
}

// show writes a judgement that is not shown yet.
func (r *Reconciler) show(ctx context.Context, rule *v1alpha1.HealthRule, judgement rules.Judgement) error {
	status := metav1.ConditionFalse
	if judgement.Reason == v1alpha1.ReasonAccepted {
		status = metav1.ConditionTrue
	}
	changed := meta.SetStatusCondition(&rule.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionAccepted, Status: status, Reason: judgement.Reason,
		Message: health.Bounded(judgement.Message), ObservedGeneration: rule.Generation,
	})
	if !changed && rule.Status.ObservedGeneration == rule.Generation {
		return nil
	}
	rule.Status.ObservedGeneration = rule.Generation
	err := r.Client.Status().Update(ctx, rule)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status of HealthRule %s: %w", rule.Name, err)
	}
	return nil
}

// others are all other HealthRules of the same kind.
func (r *Reconciler) others(ctx context.Context, object client.Object) []reconcile.Request {
	all, err := r.all(ctx)
	if err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range all {
		if all[i].Name != object.GetName() && rules.TargetOf(&all[i]) == rules.TargetOf(object.(*v1alpha1.HealthRule)) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&all[i])})
		}
	}
	return requests
}

func (r *Reconciler) all(ctx context.Context) ([]v1alpha1.HealthRule, error) {
	list := &v1alpha1.HealthRuleList{}
	if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the HealthRules: %w", err)
	}
	return list.Items, nil
}
