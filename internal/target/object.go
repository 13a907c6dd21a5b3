package target

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// object reads a target of any other kind.
func (o *Observer) object(ref Reference, kinds *lease) (health.Observation, error) {
	set, err := rulesFor(ref, kinds)
	if invalidRule := (invalidRuleError{}); errors.As(err, &invalidRule) {
		return problem(ref, v1alpha1.ReasonInvalidExpression, invalidRule.Error()), nil
	}
	if err != nil {
		return health.Observation{}, err
	}
	object, namespaced, err := kinds.get(ref, read(ref.GroupKind(), set))
	switch {
	case errors.Is(err, errNotInstalled):
		return notInstalled(ref), nil
	case errors.Is(err, errForbidden):
		return forbidden(ref), nil
	case errors.Is(err, errUnsupported):
		return invalid(ref, "this kind cannot be listed and watched"), nil
	case errors.Is(err, errClusterScoped):
		return ofClusterScoped(ref), nil
	case errors.Is(err, errNotForAll):
		return notForAll(ref), nil
	case err != nil:
		return health.Observation{}, err
	case object == nil:
		return missing(ref.scoped(namespaced)), nil
	}
	return one(objectMember(ref, object, set)), nil
}

// objectMember is the health of an object of any kind.
func objectMember(ref Reference, object *unstructured.Unstructured, set *rules.Set) health.Member {
	member := health.Member{
		APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(),
	}
	if member, ok := annotated(member, object.GetAnnotations(), ref.At); ok {
		return member
	}
	if ref.ConditionType != "" {
		return objectCondition(member, ref, object)
	}
	found := evidence.Of(object, set)
	member.State, member.Reason, member.Message, member.Since = found.State, found.Reason, found.Message, found.Since
	if member.State == "" {
		member.State = health.Known(ref.Unreported)
	}
	return member
}

// objectCondition shows a condition of an object, and Terminating while that is being deleted. What would be Passing is a
// Warning while it is of an older generation.
func objectCondition(member health.Member, ref Reference, object *unstructured.Unstructured) health.Member {
	if object.GetDeletionTimestamp() != nil {
		member.State, member.Reason = v1alpha1.StateCritical, v1alpha1.ReasonTerminating
		member.Message = "it is being deleted"
		return member
	}
	all := evidence.ConditionsOf(object)
	conditions := make([]metav1.Condition, 0, len(all))
	older := false
	for _, c := range all {
		conditions = append(conditions, metav1.Condition{
			Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message, LastTransitionTime: metav1.NewTime(c.Since),
		})
		older = older || c.Type == ref.ConditionType && evidence.Older(object, c)
	}
	member = conditionMember(member, ref, conditions)
	if older && member.State == v1alpha1.StatePassing {
		member.State, member.Reason = v1alpha1.StateWarning, v1alpha1.ReasonInProgress
		member.Message = evidence.OlderMessage(object)
	}
	return member
}
