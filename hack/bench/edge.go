package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// edge measures the time from a status write of a HealthCheck returning until an observer sees its one
// alias follow. The baseline is the leanest informer, which patches a mirror on each event.
func edge(ctx context.Context, b *bench) error {
	w, m, err := newWorldWithManager(ctx, b)
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := w.startChild("follower", "-kubeconfig="+w.plane.Kubeconfig); err != nil {
		return err
	}
	ours, err := w.newEdge(ctx, healthChecks, aliasChecks)
	if err != nil {
		return err
	}
	if ours.told, err = w.observe(ctx, events); err != nil {
		return err
	}
	w.cleanup(ours.told.close)
	bare, err := w.newEdge(ctx, sources, mirrors)
	if err != nil {
		return err
	}
	if err := m.still(ctx, time.Second); err != nil {
		return err
	}
	flips := func() error { return flipBoth(ctx, b, ours, bare) }
	if err := m.profiled(ctx, b, "edge", 5*time.Second, flips); err != nil {
		return err
	}
	b.report.compareBlocks("edge/p50", quantile(ours.took, .5), quantile(bare.took, .5),
		blockRatio(ours.took, bare.took), "ms", ratioAtMost(1.2))
	b.report.compare("edge/p95", quantile(ours.took, .95), quantile(bare.took, .95), "ms", noGoal)
	b.report.compare("edge/p99", quantile(ours.took, .99), quantile(bare.took, .99), "ms", ratioAtMost(1.5))
	return nil
}

// oneEdge is a source and the one object that follows it.
type oneEdge struct {
	world     *world
	source    schema.GroupVersionResource
	followers *observer
	// told sees the Events, which the manager writes after a change of state; nil for the baseline.
	told *observer
	took []time.Duration
}

func (w *world) newEdge(ctx context.Context, source, follower schema.GroupVersionResource) (*oneEdge, error) {
	client := w.product
	if source == sources {
		client = w.baseline
	}
	if err := w.createPuppet(ctx, client, sourceName); err != nil {
		return nil, err
	}
	if err := client.Create(ctx, following(sourceName, sourceName)); err != nil {
		return nil, fmt.Errorf("creating a follower: %w", err)
	}
	followers, err := w.observe(ctx, follower)
	if err != nil {
		return nil, err
	}
	w.cleanup(followers.close)
	return &oneEdge{world: w, source: source, followers: followers}, nil
}

// flipBoth takes turns, each first in one pair and second in the next. The first flips warm both up.
func flipBoth(ctx context.Context, b *bench, ours, bare *oneEdge) error {
	const warmup = 20
	for flip := range b.scale.flips + warmup {
		if flip == warmup {
			ours.took, bare.took = nil, nil
		}
		if flip%500 == 0 {
			b.progress.say("flip %d of %d", flip, b.scale.flips+warmup)
		}
		pair := []*oneEdge{ours, bare}
		if flip%2 == 1 {
			pair[0], pair[1] = pair[1], pair[0]
		}
		for _, e := range pair {
			if err := e.flip(ctx, flip+1); err != nil {
				return fmt.Errorf("flip %d of %s: %w", flip, e.source.Group, err)
			}
		}
	}
	return nil
}

func (e *oneEdge) flip(ctx context.Context, flip int) error {
	if err := e.followers.drain(ctx, 5*time.Millisecond); err != nil {
		return err
	}
	if err := patchStatus(ctx, e.world.rest, e.source, sourceName, sourceStatus(flip)); err != nil {
		return err
	}
	written := time.Now()
	seen, err := e.followers.all(ctx, "", 1)
	if err != nil {
		return err
	}
	e.took = append(e.took, seen.Sub(written))
	if e.told == nil {
		return nil
	}
	// The manager's last write of this flip, so that the next turn is not beside it.
	_, err = e.told.all(ctx, "", 1)
	return err
}
