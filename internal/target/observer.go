package target

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
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
	// Namespaces that the manager watches; all if empty.
	Namespaces []string
	// FailingSince is that of the sweep.
	FailingSince FailingSinceFunc
	// WithoutNodes says that Nodes may not be read.
	WithoutNodes bool
	// Clock says whether a maintenance is over.
	Clock clock.PassiveClock
}

// Observe says what the alias's target looks like now. An error means that it could not be read; it is
// ErrNotYet where the watch that will tell has only just begun.
func (o *Observer) Observe(
	ctx context.Context, alias *v1alpha1.AliasCheck,
) (observation health.Observation, err error) {
	kinds := o.Watches.lease(types.NamespacedName{Namespace: alias.Namespace, Name: alias.Name})
	mayAsk := neededBy(alias)
	defer func() { kinds.release(mayAsk) }()
	reading := &reading{Observer: o, alias: alias, kinds: kinds, at: o.Clock.Now()}
	observation, err = reading.all(ctx)
	observation.Target = DisplayOf(alias)
	if err == nil {
		mayAsk = nothing
	}
	return observation, err
}

// reading is one look at all that an alias names or selects.
type reading struct {
	*Observer
	alias *v1alpha1.AliasCheck
	kinds *lease
	at    time.Time
	// graph is the other aliases that it reaches, and walked what was read to follow them.
	graph  *graph
	walked []origin
	// unexplored is why they could not be followed.
	unexplored error
}

func (r *reading) all(ctx context.Context) (health.Observation, error) {
	if refersToAliases(r.alias) {
		r.graph, r.unexplored = r.explore(ctx)
		r.walked, r.kinds.read = r.kinds.read, nil
	}
	if r.graph != nil {
		if observation, stuck := r.graph.problem(); stuck {
			observation.FailingSince = r.failingSince(r.readByAll())
			return observation, nil
		}
	}
	if r.alias.Spec.Selector != nil {
		return r.selected(ctx)
	}
	if ref, ok := ReferenceOf(r.alias); ok {
		return r.single(ctx, ref)
	}
	return r.several(ctx, ReferencesOf(r.alias))
}

// single reads one target.
func (r *reading) single(ctx context.Context, ref Reference) (health.Observation, error) {
	r.kinds.read, ref.At = nil, r.at
	observation, err := r.observe(ctx, ref)
	if err == nil {
		observation.FailingSince = r.failingSince(r.readOf(ref, observation.Problem))
	}
	return observation, err
}

func nothing(schema.GroupVersionKind) bool { return false }

// neededBy is what an alias may need of the kinds that are watched for aliases only: one whose read failed, or
// panicked, may not have got to all of it, and must not end a watch that its next read would begin again.
func neededBy(alias *v1alpha1.AliasCheck) func(schema.GroupVersionKind) bool {
	refs := ReferencesOf(alias)
	grants := refersToAliases(alias) || slices.ContainsFunc(refs, Reference.Crosses)
	ruled := slices.ContainsFunc(refs, Reference.ruledByKind)
	return func(kind schema.GroupVersionKind) bool {
		return grants && kind.GroupKind() == GrantKind || ruled && kind.GroupKind() == RuleKind ||
			slices.ContainsFunc(refs, func(ref Reference) bool {
				return kind == ref.GroupVersionKind || kind.GroupKind() == NamespaceKind && ref.mayBeClusterScoped()
			})
	}
}

// Forget drops what was kept for an alias that no longer exists.
func (o *Observer) Forget(alias types.NamespacedName) {
	o.Watches.lease(alias).release(nothing)
}

func (r *reading) observe(ctx context.Context, ref Reference) (health.Observation, error) {
	permitted, err := r.permitted(ref, r.kinds)
	switch {
	case err != nil:
		return health.Observation{}, err
	case !permitted:
		return r.withoutConsent(ref, r.kinds)
	case slices.Contains(neverRead, ref.GroupKind()):
		return neverReadable(ref), nil
	}
	switch ref.GroupVersionKind {
	case wellKnown[kindHealthCheck]:
		return r.healthCheck(ctx, ref)
	case wellKnown[kindAliasCheck]:
		return r.aliasCheck(ref)
	case wellKnown[kindService]:
		return r.service(ctx, ref)
	case wellKnown[kindNode]:
		if err := r.kinds.mayReadClusterScoped(ref); err != nil {
			return refusedScope(ref, err)
		}
		return r.node(ctx, ref)
	default:
		return r.object(ref, r.kinds)
	}
}

// get reads one object without a copy; found is false if it does not exist.
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
func (o *Observer) checks(
	ctx context.Context, namespace string, now time.Time, which ...client.ListOption,
) ([]health.Member, error) {
	list := &v1alpha1.HealthCheckList{}
	err := o.Client.List(ctx, list, append(which, client.InNamespace(namespace), client.UnsafeDisableDeepCopy)...)
	if err != nil {
		return nil, fmt.Errorf("listing the HealthChecks of namespace %s: %w", namespace, err)
	}
	members := make([]health.Member, 0, len(list.Items))
	for i := range list.Items {
		members = append(members, countedMember(&list.Items[i], now))
	}
	return members, nil
}

// one is the observation of an object that is mirrored.
func one(member health.Member) health.Observation {
	return health.Observation{Members: []health.Member{member}}
}
