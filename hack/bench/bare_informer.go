package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// runInformers is the least that following costs: an informer per kind, and for each change of the source in
// the baseline's group one patch of its mirror, sent from the handler itself. In the product's group it only
// holds what the manager's cache holds too.
func runInformers(ctx context.Context, config *rest.Config, group schema.GroupVersion) error {
	raw, err := restClient(config)
	if err != nil {
		return err
	}
	informers, err := cache.New(config, cache.Options{Scheme: schemeOf(group), DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return fmt.Errorf("making the informers: %w", err)
	}
	checks, err := informers.GetInformer(ctx, &v1alpha1.HealthCheck{})
	if err != nil {
		return fmt.Errorf("making the informer of HealthChecks: %w", err)
	}
	if group == baselineGroup {
		if _, err := checks.AddEventHandler(mirroring(ctx, raw)); err != nil {
			return fmt.Errorf("adding the handler: %w", err)
		}
		return informers.Start(ctx)
	}
	if _, err := informers.GetInformer(ctx, &v1alpha1.AliasCheck{}); err != nil {
		return fmt.Errorf("making the informer of AliasChecks: %w", err)
	}
	return informers.Start(ctx)
}

func mirroring(ctx context.Context, raw rest.Interface) toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{UpdateFunc: func(_, after any) {
		flip := 0
		if after.(*v1alpha1.HealthCheck).Status.State == v1alpha1.StateCritical {
			flip = 1
		}
		_ = patchStatus(ctx, raw, mirrors, sourceName, mirrorStatus(flip)) // a lost one is seen by the observer
	}}
}
