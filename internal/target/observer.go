package target

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Observer reads the targets of aliases.
type Observer struct {
	// Client reads from the watch cache.
	Client client.Reader
	// Watches has the objects of all kinds that the cache does not watch anyway.
	Watches *Watches
	// Namespaces that the manager watches; all where there are none.
	Namespaces []string
	// FailingSince is that of the sweep; nil where nothing is swept.
	FailingSince FailingSinceFunc
}

// Observe says what the alias's target looks like now. An error means that it could not be read; it is
// ErrNotYet where the watch that will tell has only just begun.
func (o *Observer) Observe(
	ctx context.Context, alias *v1alpha1.AliasCheck,
) (observation health.Observation, err error) {
	kinds := o.Watches.lease(types.NamespacedName{Namespace: alias.Namespace, Name: alias.Name})
	mayAsk := neededBy(alias)
	defer func() { kinds.release(mayAsk) }()
	ref, ok := ReferenceOf(alias)
	if !ok {
		observation, err = o.selected(ctx, alias)
	} else {
		observation, err = o.observe(ctx, alias, ref, kinds)
		observation.Target = ref.String()
	}
	if err == nil {
		mayAsk = nothing
		observation.FailingSince = o.failingSince(readOf(alias, observation.Problem, kinds))
	}
	return observation, err
}

func nothing(schema.GroupVersionKind) bool { return false }

// neededBy is what an alias may need of the kinds that are watched for aliases only: one whose read failed, or
// panicked, may not have got to all of it, and shall not end a watch that its next read would begin again.
func neededBy(alias *v1alpha1.AliasCheck) func(schema.GroupVersionKind) bool {
	ref, ok := ReferenceOf(alias)
	if !ok {
		return nothing
	}
	grants := ref.Crosses() || ref.GroupVersionKind == wellKnown[kindAliasCheck]
	return func(kind schema.GroupVersionKind) bool {
		return kind == ref.GroupVersionKind || grants && kind.GroupKind() == GrantKind
	}
}

// Forget ends what was kept for an alias that is no more.
func (o *Observer) Forget(alias types.NamespacedName) {
	o.Watches.lease(alias).release(nothing)
}

func (o *Observer) observe(
	ctx context.Context, alias *v1alpha1.AliasCheck, ref Reference, kinds *lease,
) (health.Observation, error) {
	permitted, err := o.permitted(ref, kinds)
	switch {
	case err != nil:
		return health.Observation{}, err
	case !permitted:
		return o.withoutConsent(ref, kinds)
	case slices.Contains(neverRead, ref.GroupKind()):
		return neverReadable(ref), nil
	}
	switch ref.GroupVersionKind {
	case wellKnown[kindHealthCheck]:
		return o.healthCheck(ctx, ref)
	case wellKnown[kindAliasCheck]:
		return o.aliasCheck(ctx, alias, ref, kinds)
	case wellKnown[kindService]:
		return o.service(ctx, ref)
	case wellKnown[kindNode]:
		return o.node(ctx, ref)
	default:
		return o.object(ref, kinds)
	}
}

// get reads one object without a copy; found is false where there is none.
func (o *Observer) get(ctx context.Context, key types.NamespacedName, object client.Object) (found bool, err error) {
	err = o.Client.Get(ctx, key, object, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %T %s: %w", object, key, err)
	}
	return true, nil
}

// checks are the members of an aggregate: HealthChecks of one namespace, read without a copy.
func (o *Observer) checks(ctx context.Context, namespace string, which ...client.ListOption) ([]health.Member, error) {
	list := &v1alpha1.HealthCheckList{}
	err := o.Client.List(ctx, list, append(which, client.InNamespace(namespace), client.UnsafeDisableDeepCopy)...)
	if err != nil {
		return nil, fmt.Errorf("listing the HealthChecks of namespace %s: %w", namespace, err)
	}
	members := make([]health.Member, 0, len(list.Items))
	for i := range list.Items {
		members = append(members, countedMember(&list.Items[i]))
	}
	return members, nil
}

// one is the observation of an object that is mirrored.
func one(member health.Member) health.Observation {
	return health.Observation{Members: []health.Member{member}}
}
