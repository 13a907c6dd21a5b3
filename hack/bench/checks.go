package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// createChecks makes n HealthChecks of the subject, noted in the series "ours". One in every `hanging` has a
// target that hangs; 0 means none.
func (w *world) createChecks(ctx context.Context, n int, interval time.Duration, hanging int) (map[string]types.UID, error) {
	checks := make([]*v1alpha1.HealthCheck, n)
	err := times(ctx, n, func(ctx context.Context, i int) error {
		name := named("check", i)
		url := w.subject.noting("ours", name)
		if hanging > 0 && i%hanging == 0 {
			url = w.subject.hanging()
		}
		checks[i] = probing(name, url, interval)
		return w.product.Create(ctx, checks[i])
	})
	if err != nil {
		return nil, fmt.Errorf("creating HealthChecks: %w", err)
	}
	uids := map[string]types.UID{}
	for _, check := range checks {
		uids[check.Name] = check.UID
	}
	return uids, nil
}

// createAliases makes aliases from the first to the last; target names what each follows.
func (w *world) createAliases(ctx context.Context, first, last int, target func(i int) string) error {
	err := times(ctx, last-first, func(ctx context.Context, i int) error {
		return w.product.Create(ctx, following(named("alias", first+i), target(first+i)))
	})
	if err != nil {
		return fmt.Errorf("creating AliasChecks: %w", err)
	}
	return nil
}

// settled waits until every alias shows this state.
func (w *world) settled(ctx context.Context, state v1alpha1.State) error {
	return eventually(ctx, 2*time.Second, func() (bool, error) {
		list := &v1alpha1.AliasCheckList{}
		if err := w.product.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return false, fmt.Errorf("listing aliases: %w", err)
		}
		for i := range list.Items {
			if status := list.Items[i].Status; status.State != state || status.ObservedGeneration < 1 {
				return false, nil
			}
		}
		return true, nil
	})
}
