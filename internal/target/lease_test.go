package target

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"k8s.io/utils/clock"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// unreadable is a cache that cannot be read.
type unreadable struct{ client.Reader }

var errUnreadable = errors.New("the cache is out of order")

func (unreadable) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errUnreadable
}

// None of these reads succeeds, so that nothing but the specs themselves can say what is needed.
func TestAnAliasWhoseReadFailsKeepsTheWatchesThatItNeedsAndNoOthers(t *testing.T) {
	watches, err := NewWatches(WatchesOptions{Config: &rest.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	observer := &Observer{Client: unreadable{}, Watches: watches, Clock: clock.RealClock{}, FailingSince: neverFails}
	deployments := appsv1.SchemeGroupVersion.WithKind("Deployment")
	jobs := schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}
	grants := GrantKind.WithVersion(grantVersions[0])
	deployment := v1alpha1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	foreign := deployment
	foreign.Namespace = "shop"
	for _, step := range []struct {
		does string
		ref  v1alpha1.TargetReference
		want []schema.GroupVersionKind
	}{
		{"begins with what it mirrors", deployment, []schema.GroupVersionKind{deployments, ruleVersion}},
		{"keeps it while it waits for grants", foreign, []schema.GroupVersionKind{deployments, grants, ruleVersion}},
		{"releases the grants once it stays at home", deployment, []schema.GroupVersionKind{deployments, ruleVersion}},
		{"changes the kind", v1alpha1.TargetReference{APIVersion: "batch/v1", Kind: "Job", Name: "x"},
			[]schema.GroupVersionKind{jobs, ruleVersion}},
		{"releases all for a HealthCheck that cannot be read", v1alpha1.TargetReference{Name: "web"}, nil},
	} {
		if _, err := observer.Observe(t.Context(), aliasOf(step.ref)); err == nil {
			t.Fatalf("it %s, and its read does not fail", step.does)
		}
		if kinds := watches.Kinds(); !slices.Equal(kinds, step.want) {
			t.Errorf("it %s: %v are watched, want %v", step.does, kinds, step.want)
		}
	}
	if _, err := observer.Observe(t.Context(), aliasOf(deployment)); !errors.Is(err, ErrNotYet) {
		t.Fatal(err)
	}
	observer.Forget(types.NamespacedName{Namespace: "home", Name: "front"})
	if kinds := watches.Kinds(); len(kinds) != 0 {
		t.Errorf("%v are watched for an alias that is no more", kinds)
	}
}

// neverFails is the sweep of a cache that is always right.
func neverFails(schema.GroupVersionKind, string) time.Time { return time.Time{} }
