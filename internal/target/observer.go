package target

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Observer reads the targets of aliases.
type Observer struct {
	// Client reads from the watch cache.
	Client client.Reader
}

// Observe says what the alias's target looks like now. An error means that it could not be read.
func (o *Observer) Observe(ctx context.Context, alias *v1alpha1.AliasCheck) (health.Observation, error) {
	ref, _ := ReferenceOf(alias)
	observation, err := o.observe(ctx, ref)
	observation.Target = ref.String()
	return observation, err
}

func (o *Observer) observe(ctx context.Context, ref Reference) (health.Observation, error) {
	switch ref.GroupVersionKind {
	case wellKnown[kindHealthCheck]:
		return o.healthCheck(ctx, ref)
	default:
		return invalid(ref, "this kind of target is not supported"), nil
	}
}

// get reads one object without a copy; found is false where there is none.
func (o *Observer) get(ctx context.Context, ref Reference, object client.Object) (found bool, err error) {
	key := types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}
	err = o.Client.Get(ctx, key, object, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", ref, err)
	}
	return true, nil
}

// one is the observation of an object that is mirrored.
func one(member health.Member) health.Observation {
	return health.Observation{Members: []health.Member{member}}
}

func missing(ref Reference) health.Observation {
	return health.Observation{
		Problem: v1alpha1.ReasonTargetNotFound,
		Message: fmt.Sprintf("%s does not exist", ref),
		Suspect: ref.culprit(),
	}
}

func invalid(ref Reference, why string) health.Observation {
	return health.Observation{
		Problem: v1alpha1.ReasonInvalidTarget,
		Message: fmt.Sprintf("%s: %s", ref, why),
		Suspect: ref.culprit(),
	}
}
