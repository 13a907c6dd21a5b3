package aliascheck

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target"
)

// What an edge and an evaluation cost among many aliases with selectors and many checks, of which each alias
// selects ten. For benchstat: go test -run '^$' -bench Selector -count 10 ./controllers/aliascheck.

func BenchmarkSelectorEdge(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("teams=%d", n), func(b *testing.B) {
			cached := teams(b, n)
			edges := aliasEdges{client: cached, rests: newRests(clock.RealClock{})}
			check := teamCheck(n/2, 0)
			if concerned := edges.found(b.Context(), &check, ofHealthCheck(&check)); len(concerned) != 1 {
				b.Fatalf("the edge reaches %v", concerned)
			}
			for b.Loop() {
				edges.found(b.Context(), &check, ofHealthCheck(&check))
			}
		})
	}
}

func BenchmarkSelectorEvaluation(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("teams=%d", n), func(b *testing.B) {
			watches, err := target.NewWatches(target.WatchesOptions{Config: &rest.Config{}})
			if err != nil {
				b.Fatal(err)
			}
			observer := &target.Observer{Client: teams(b, n), Watches: watches, Clock: clock.RealClock{}, FailingSince: neverFails}
			alias := teamAlias(n / 2)
			for b.Loop() {
				observation, err := observer.Observe(b.Context(), &alias)
				if err != nil || len(observation.Members) != 10 {
					b.Fatalf("%d checks, %v", len(observation.Members), err)
				}
			}
		})
	}
}

// A roll-up of 1,000 checks, which is one evaluation however many of them change at once.
func BenchmarkRollUp(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("checks=%d", n), func(b *testing.B) {
			watches, err := target.NewWatches(target.WatchesOptions{Config: &rest.Config{}})
			if err != nil {
				b.Fatal(err)
			}
			observer := &target.Observer{Client: teams(b, n/10), Watches: watches, Clock: clock.RealClock{}, FailingSince: neverFails}
			alias := teamAlias(0)
			alias.Spec.Selector = &v1alpha1.Selector{}
			b.ReportAllocs()
			for b.Loop() {
				observation, err := observer.Observe(b.Context(), &alias)
				if err != nil || len(observation.Members) != n {
					b.Fatalf("%d checks, %v", len(observation.Members), err)
				}
				health.ApplyObservation(&alias, observation, time.Now())
			}
		})
	}
}

func team(n int) string { return fmt.Sprintf("team-%d", n) }

func teamCheck(n, i int) v1alpha1.HealthCheck {
	check := v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("%s-%d", team(n), i)}}
	check.UID, check.ResourceVersion = types.UID(check.Name), "1"
	check.Labels = map[string]string{"team": team(n), "managed-by": "helm", "tier": "web"}
	return check
}

func teamAlias(n int) v1alpha1.AliasCheck {
	alias := v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: team(n)}}
	alias.UID, alias.ResourceVersion = types.UID(alias.Name), "1"
	alias.Spec.Selector = &v1alpha1.Selector{
		MatchLabels: map[string]v1alpha1.LabelValue{"team": v1alpha1.LabelValue(team(n))},
	}
	return alias
}

// teams is a cache with an alias and ten checks for each team, without an API server.
func teams(b *testing.B, n int) cache.Cache {
	checks, aliases := &v1alpha1.HealthCheckList{}, &v1alpha1.AliasCheckList{}
	for team := range n {
		aliases.Items = append(aliases.Items, teamAlias(team))
		for i := range 10 {
			checks.Items = append(checks.Items, teamCheck(team, i))
		}
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		b.Fatal(err)
	}
	if err := discoveryv1.AddToScheme(scheme); err != nil {
		b.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"HealthCheck", "AliasCheck"} {
		mapper.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	mapper.Add(discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"), meta.RESTScopeNamespace)
	cached, err := cache.New(&rest.Config{}, cache.Options{
		Scheme: scheme, Mapper: mapper,
		NewInformer: func(
			_ toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers,
		) toolscache.SharedIndexInformer {
			var list runtime.Object = &discoveryv1.EndpointSliceList{}
			switch example.(type) {
			case *v1alpha1.HealthCheck:
				list = checks
			case *v1alpha1.AliasCheck:
				list = aliases
			}
			return toolscache.NewSharedIndexInformer(unchanging(list), example, resync, indexers)
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := target.AddIndexes(b.Context(), cached); err != nil {
		b.Fatal(err)
	}
	go func() { _ = cached.Start(b.Context()) }() // it ends with the benchmark, and says only that
	if !cached.WaitForCacheSync(b.Context()) {
		b.Fatal("the cache has not synced")
	}
	return cached
}

// unchanging always lists the same.
func unchanging(list runtime.Object) toolscache.ListerWatcher {
	return watchless{&toolscache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) { return list, nil },
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			return watch.NewFake(), nil
		},
	}}
}

// watchless cannot be listed by watch.
type watchless struct{ *toolscache.ListWatch }

// IsWatchListSemanticsUnSupported is how a reflector asks whether it may relist by watch.
func (watchless) IsWatchListSemanticsUnSupported() bool { return true }

func neverFails(schema.GroupVersionKind, string) time.Time { return time.Time{} }
