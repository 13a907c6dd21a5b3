package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// createPuppet makes a HealthCheck whose status is ours to write: its probe hangs for a minute, and before that is over
// an edit supersedes it. So no result of a probe ever comes between what we write.
func (w *world) createPuppet(ctx context.Context, in client.Client, name string) error {
	check := probing(name, w.subject.hanging(), time.Minute)
	check.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
	if err := in.Create(ctx, check); err != nil {
		return fmt.Errorf("creating %s: %w", name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		keepHanging(ctx, in, check)
	}()
	w.cleanup(func() { cancel(); <-ended })
	return nil
}

func keepHanging(ctx context.Context, in client.Client, check *v1alpha1.HealthCheck) {
	for edit := 1; pause(ctx, 20*time.Second) == nil; edit++ {
		patch := fmt.Appendf(nil, `{"spec":{"http":{"headers":[{"name":"X-Edit","value":"%d"}]}}}`, edit)
		// One that fails is made good by the next: there are two before the probe ends.
		_ = in.Patch(ctx, check.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	}
}
