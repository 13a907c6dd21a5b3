package target

import (
	"errors"
	"testing"

	"k8s.io/utils/clock"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// What a restart would show only for a moment is not shown at all: nothing is said before discovery has
// answered (I6).
func TestWithoutConsentNothingIsToldButTheScopeOfTheKind(t *testing.T) {
	for name, c := range map[string]struct {
		finds func(*kindWatch)
		want  string
		err   error
	}{
		"discovery has not answered": {func(*kindWatch) {}, "", ErrNotYet},
		"discovery has failed":       {func(k *kindWatch) { k.discovered(errUnreadable) }, v1alpha1.ReasonRefNotPermitted, nil},
		"no such kind":               {func(k *kindWatch) { k.discovered(errNotInstalled) }, v1alpha1.ReasonRefNotPermitted, nil},
		"a kind with namespaces":     {func(k *kindWatch) { k.open(true) }, v1alpha1.ReasonRefNotPermitted, nil},
		"a kind without":             {func(k *kindWatch) { k.open(false) }, v1alpha1.ReasonInvalidTarget, nil},
	} {
		t.Run(name, func(t *testing.T) {
			watches, err := NewWatches(WatchesOptions{Config: &rest.Config{}})
			if err != nil {
				t.Fatal(err)
			}
			watches.locked.notify = func(Event) {}
			alias := aliasOf(v1alpha1.TargetReference{
				APIVersion: "storage.k8s.io/v1", Kind: "StorageClass", Name: "fast", Namespace: "shop",
			})
			kinds := watches.lease(types.NamespacedName{Namespace: alias.Namespace, Name: alias.Name})
			for _, version := range grantVersions {
				kinds.need(GrantKind.WithVersion(version)).discovered(errNotInstalled)
			}
			ref, _ := ReferenceOf(alias)
			c.finds(kinds.need(ref.GroupVersionKind))
			observation, err := (&Observer{Watches: watches, Clock: clock.RealClock{}, FailingSince: neverFails}).Observe(t.Context(), alias)
			if observation.Problem != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q and %v, want %q and %v", observation.Problem, err, c.want, c.err)
			}
		})
	}
}
