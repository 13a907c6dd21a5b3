package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// createChecks makes n HealthChecks of the subject, noted in the series "ours".
func (w *world) createChecks(ctx context.Context, n int, interval time.Duration) (map[string]types.UID, error) {
	checks := make([]*v1alpha1.HealthCheck, n)
	err := times(ctx, n, func(ctx context.Context, i int) error {
		name := named("check", i)
		checks[i] = probing(name, w.subject.noting("ours", name), interval)
		checks[i].Spec.Timeout = &metav1.Duration{Duration: interval / 2}
		checks[i].Spec.FailureThreshold = 1 // a target that begins to hang settles with its first timeout
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
