package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// settled waits, with a watch, until n aliases show the state that each is to have.
func (w *world) settled(ctx context.Context, n int, want func(name string) v1alpha1.State) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	right := map[string]bool{}
	_, err := watchtools.UntilWithSync(ctx, w.aliases(), &v1alpha1.AliasCheck{}, nil, func(event watch.Event) (bool, error) {
		alias, isAlias := event.Object.(*v1alpha1.AliasCheck)
		if !isAlias {
			return false, nil
		}
		if alias.Status.ObservedGeneration >= 1 && alias.Status.State == want(alias.Name) {
			right[alias.Name] = true
		} else {
			delete(right, alias.Name)
		}
		return len(right) == n, nil
	})
	if err != nil {
		return fmt.Errorf("%d of %d aliases show their state: %w", len(right), n, err)
	}
	return nil
}

func always(state v1alpha1.State) func(string) v1alpha1.State {
	return func(string) v1alpha1.State { return state }
}

func (w *world) aliases() cache.ListerWatcher {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.AliasCheckList{}
			return list, w.product.List(ctx, list, client.InNamespace(namespace), &client.ListOptions{Raw: &options})
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return w.product.Watch(ctx, &v1alpha1.AliasCheckList{}, client.InNamespace(namespace), &client.ListOptions{Raw: &options})
		},
	}
}

// still waits until the manager, which does not elect a leader, has written nothing for a while: neither statuses nor
// Events, which come after the truth, one by one. Leases would never be still.
func (m *manager) still(ctx context.Context, quiet time.Duration) error {
	return stays(ctx, quiet, m.writes)
}

// statusesStill is about statuses only, and so for elected managers too.
func (m *manager) statusesStill(ctx context.Context, quiet time.Duration) error {
	return stays(ctx, quiet, func(ctx context.Context) (float64, error) {
		return m.counter(ctx, "aliascheck_status_writes_total", nil)
	})
}

// stays waits until two readings with this time between them are the same.
func stays(ctx context.Context, quiet time.Duration, read func(context.Context) (float64, error)) error {
	last := -1.0
	return eventually(ctx, quiet, func() (bool, error) {
		now, err := read(ctx)
		same := now == last
		last = now
		return same, err
	})
}
