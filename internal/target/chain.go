package target

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// MaxWalk bounds the walk along a chain. It is longer than the longest chain that is followed, so that a ring
// is told from a chain that is merely too deep; a ring of more aliases than this is told as AliasTooDeep.
const MaxWalk = 16 * v1alpha1.MaxAliasDepth

func (o *Observer) aliasCheck(
	ctx context.Context, alias *v1alpha1.AliasCheck, ref Reference, kinds *lease,
) (health.Observation, error) {
	path, err := o.walk(ctx, alias, kinds)
	if err != nil {
		return health.Observation{}, err
	}
	if bad, is := badChain(path); is {
		return bad, nil
	}
	next := &v1alpha1.AliasCheck{}
	found, err := o.get(ctx, ref.key(), next)
	switch {
	case err != nil:
		return health.Observation{}, err
	case !found:
		return missing(ref), nil
	case outOfDate(next):
		return health.Observation{}, ErrNotYet
	default:
		return one(orCondition(ref, aliasMember(next), next.Status.Conditions)), nil
	}
}

// outOfDate reports whether an alias at the head of a sound chain still says that it is in a ring or too deep.
// It is about to be evaluated, and what it then says is an edge: mirroring it now would only make each link of
// a broken ring write twice. Stalled tells its own word from a reason of that name which it mirrors.
func outOfDate(next *v1alpha1.AliasCheck) bool {
	stuck := next.Status.Reason == v1alpha1.ReasonAliasCycle || next.Status.Reason == v1alpha1.ReasonAliasTooDeep
	return stuck && meta.IsStatusConditionTrue(next.Status.Conditions, v1alpha1.ConditionStalled)
}

// aliasMember is the state that an alias shows, and what decided it. Maintenance of an alias concerns those
// that refer to it, and not itself.
func aliasMember(alias *v1alpha1.AliasCheck) health.Member {
	member := memberOf(kindAliasCheck, alias)
	member.Deeper = alias.Status.Culprit
	member, _ = annotated(member, alias.Annotations)
	return member
}

// walk is the chain of aliases from this one on, as far as consent goes. It ends with the first that is
// there twice, or after MaxWalk.
func (o *Observer) walk(
	ctx context.Context, alias *v1alpha1.AliasCheck, kinds *lease,
) ([]types.NamespacedName, error) {
	path := []types.NamespacedName{{Namespace: alias.Namespace, Name: alias.Name}}
	seen := map[types.NamespacedName]bool{path[0]: true}
	for len(path) < MaxWalk {
		next, is, err := o.nextAlias(alias, kinds)
		if err != nil || !is {
			return path, err
		}
		alias = &v1alpha1.AliasCheck{}
		found, err := o.get(ctx, next, alias)
		if err != nil || !found {
			return path, err
		}
		path = append(path, next)
		if seen[next] {
			return path, nil
		}
		seen[next] = true
	}
	return path, nil
}

func (o *Observer) nextAlias(alias *v1alpha1.AliasCheck, kinds *lease) (types.NamespacedName, bool, error) {
	ref, ok := ReferenceOf(alias)
	if !ok || ref.GroupVersionKind != wellKnown[kindAliasCheck] {
		return types.NamespacedName{}, false, nil
	}
	permitted, err := o.permitted(ref, kinds)
	return ref.key(), permitted, err
}

// badChain is what is wrong with a chain that starts with the alias itself: it meets itself, or is too deep.
func badChain(path []types.NamespacedName) (health.Observation, bool) {
	last := path[len(path)-1]
	switch first := slices.Index(path, last); {
	case first == 0 && len(path) > 1:
		return stuck(v1alpha1.ReasonAliasCycle, "the alias reaches itself: "+spelled(path)), true
	case first < len(path)-1:
		return stuck(v1alpha1.ReasonAliasCycle, "the alias reaches a ring: "+spelled(path)), true
	case len(path) > v1alpha1.MaxAliasDepth:
		return stuck(v1alpha1.ReasonAliasTooDeep, fmt.Sprintf(
			"a chain of more than %d AliasChecks begins here: refer to what is at its end", v1alpha1.MaxAliasDepth)), true
	default:
		return health.Observation{}, false
	}
}

func stuck(reason, message string) health.Observation {
	return health.Observation{Problem: reason, Message: message}
}

// spelled is a path in words, a → shop/b → a: names of other namespaces than the first are qualified.
func spelled(path []types.NamespacedName) string {
	names := make([]string, 0, len(path))
	for _, p := range path {
		if p.Namespace == path[0].Namespace {
			names = append(names, p.Name)
		} else {
			names = append(names, p.String())
		}
	}
	return strings.Join(names, " → ")
}
