package target

import (
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

const (
	// LabelClusterScoped on a namespace, with the value Allowed, lets its aliases refer to every cluster-scoped kind that the
	// manager can read. Editors of a namespace may not label it: that is for whoever runs the cluster.
	LabelClusterScoped = "health.aliascheck.dev/cluster-scoped-targets"
	// Allowed is the value of LabelClusterScoped.
	Allowed = "allowed"
)

// NamespaceKind is watched while an alias refers to a cluster-scoped kind that is not for all.
var NamespaceKind = schema.GroupKind{Kind: "Namespace"}

// ofNamespaces is what is read of a namespace.
var ofNamespaces = needs{fields: identity.Union(rules.FieldsOf([]string{"metadata", "labels", LabelClusterScoped}))}

func (r Reference) mayBeClusterScoped() bool { return r.WatchedByKind() || r.GroupKind() == NodeKind }

// mayReadClusterScoped asks for consent to what no namespace can consent to: the text of conditions that are not for every
// tenant, and whether an object of that name exists.
func (l *lease) mayReadClusterScoped(ref Reference) error {
	if slices.Contains(l.watches.options.ClusterScoped, ref.GroupKind().String()) {
		return nil
	}
	home := Reference{GroupVersionKind: NamespaceKind.WithVersion("v1"), Name: ref.Home}
	watch := l.need(home.GroupVersionKind)
	watch.require(ofNamespaces)
	namespace, _, err := watch.get(home)
	switch {
	case errors.Is(err, errForbidden):
		return errNotForAll
	case err != nil:
		return err
	case namespace == nil || namespace.GetLabels()[LabelClusterScoped] != Allowed:
		return errNotForAll
	}
	return nil
}

// refusedScope is the observation of a target that mayReadClusterScoped refuses, or the error where it could not be asked.
func refusedScope(ref Reference, err error) (health.Observation, error) {
	if errors.Is(err, errNotForAll) {
		return notForAll(ref), nil
	}
	return health.Observation{}, err
}
