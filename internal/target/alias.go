package target

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// aliasCheck reads a target that is an alias. What that reaches has been looked at before, and is sound.
func (r *reading) aliasCheck(ref Reference) (health.Observation, error) {
	if r.unexplored != nil {
		return health.Observation{}, r.unexplored
	}
	next, found := r.graph.found[ref.key()]
	if !found {
		return missing(ref), nil
	}
	if outOfDate(next.alias) {
		return health.Observation{}, ErrNotYet
	}
	member := orCondition(ref, aliasMember(next.alias, ref.At), next.alias.Status.Conditions)
	return one(discreet(ref, member, next.alias)), nil
}

// outOfDate reports whether an alias at the head of a sound chain still says that it is in a ring or too deep.
// It is about to be evaluated, and what it then says is an edge: mirroring it now would only make each link of
// a broken ring write twice. Stalled distinguishes its own reason from a reason of that name that it mirrors.
func outOfDate(next *v1alpha1.AliasCheck) bool {
	stuck := next.Status.Reason == v1alpha1.ReasonAliasCycle || next.Status.Reason == v1alpha1.ReasonAliasTooDeep
	return stuck && meta.IsStatusConditionTrue(next.Status.Conditions, v1alpha1.ConditionStalled)
}

// aliasMember is the state that an alias shows, and what decided it. Maintenance of an alias concerns those
// that refer to it, and not itself.
func aliasMember(alias *v1alpha1.AliasCheck, now time.Time) health.Member {
	member := memberOf(kindAliasCheck, alias)
	member.Deeper = alias.Status.Culprit
	member, _ = annotated(member, alias.Annotations, now)
	return member
}
