package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// sweepEvery is much more often than in life, so that what one sweep costs stands out.
const sweepEvery = 5 * time.Second

// sweeps measures what it costs to compare the watch cache with the API server: the difference between a
// manager that sweeps all the time and one beside it that never does, on the same idle aliases.
func sweeps(ctx context.Context, b *bench) error {
	for _, n := range b.scale.swept {
		if err := sweepsOf(ctx, b, n); err != nil {
			return fmt.Errorf("%d objects: %w", n, err)
		}
	}
	return nil
}

func sweepsOf(ctx context.Context, b *bench, n int) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.product.Create(ctx, suspended(sourceName)); err != nil {
		return fmt.Errorf("creating the source: %w", err)
	}
	if err := w.createAliases(ctx, 0, n, func(int) string { return sourceName }); err != nil {
		return err
	}
	sweeping, err := w.startManager(ctx, "--sweep-interval="+sweepEvery.String())
	if err != nil {
		return err
	}
	if err := w.settled(ctx, v1alpha1.StateUnknown); err != nil {
		return err
	}
	resting, err := w.startManager(ctx, "--sweep-interval=24h")
	if err != nil {
		return err
	}
	if err := pause(ctx, 10*time.Second); err != nil { // the starts are over
		return err
	}
	return w.measureSweeps(ctx, sweeping, resting, n)
}

func (w *world) measureSweeps(ctx context.Context, sweeping, resting *manager, n int) error {
	length := w.bench.scale.grownFor
	var with, without time.Duration
	err := sweeping.profiled(ctx, w.bench, fmt.Sprintf("sweep-%d", n), length/2, func() (err error) {
		with, without, err = spent(ctx, sweeping.process, resting.process, length)
		return err
	})
	if err != nil {
		return err
	}
	bytes, err := w.metadataSize(ctx)
	if err != nil {
		return err
	}
	each := (with - without).Seconds() / (length.Seconds() / sweepEvery.Seconds())
	name := fmt.Sprintf("sweep/%d/", n)
	w.bench.report.state(name+"cpu-once-a-minute", 100*each/60, "% of a core", atMost(1))
	w.bench.report.state(name+"bytes-once-a-minute", bytes, "KiB", noGoal)
	return nil
}

// spent is the CPU time of two processes over the same span.
func spent(ctx context.Context, a, b *process, length time.Duration) (ofA, ofB time.Duration, err error) {
	beforeA, err1 := a.cpu()
	beforeB, err2 := b.cpu()
	if err := errors.Join(err1, err2, pause(ctx, length)); err != nil {
		return 0, 0, err
	}
	afterA, err1 := a.cpu()
	afterB, err2 := b.cpu()
	return afterA - beforeA, afterB - beforeB, errors.Join(err1, err2)
}

// metadataSize is what a list of the metadata of all aliases has in KiB, uncompressed.
func (w *world) metadataSize(ctx context.Context) (float64, error) {
	body, err := w.rest.Get().AbsPath("/apis/"+aliasChecks.Group+"/"+aliasChecks.Version+"/"+aliasChecks.Resource).
		SetHeader("Accept", "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").
		Do(ctx).Raw()
	if err != nil {
		return 0, fmt.Errorf("listing metadata: %w", err)
	}
	return float64(len(body)) / 1024, nil
}
