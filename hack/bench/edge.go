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
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	m, err := w.startManager(ctx)
	if err != nil {
		return err
	}
	if _, err := w.startChild("follower", "-kubeconfig="+w.plane.Kubeconfig); err != nil {
		return err
	}
	ours, err := w.newEdge(ctx, healthChecks, aliasChecks)
	if err != nil {
		return err
	}
	bare, err := w.newEdge(ctx, sources, mirrors)
	if err != nil {
		return err
	}
	flips := func() error { return flipBoth(ctx, b.scale.flips, ours, bare) }
	if err := m.profiled(ctx, b, "edge", 5*time.Second, flips); err != nil {
		return err
	}
	for _, q := range []struct {
		part float64
		goal goal
	}{{.5, ratioAtMost(1.2)}, {.95, noGoal}, {.99, ratioAtMost(1.5)}} {
		b.report.compare(fmt.Sprintf("edge/p%g", q.part*100), quantile(ours.took, q.part), quantile(bare.took, q.part), "ms", q.goal)
	}
	return nil
}

// oneEdge is a source and the one object that follows it.
type oneEdge struct {
	world     *world
	source    schema.GroupVersionResource
	followers *observer
	took      []time.Duration
}

func (w *world) newEdge(ctx context.Context, source, follower schema.GroupVersionResource) (*oneEdge, error) {
	client := w.product
	if source == sources {
		client = w.baseline
	}
	if err := client.Create(ctx, puppet(w.subject.hanging())); err != nil {
		return nil, fmt.Errorf("creating a source: %w", err)
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

// flipBoth alternates between the two. The first flips warm both up.
func flipBoth(ctx context.Context, flips int, ours, bare *oneEdge) error {
	const warmup = 20
	for flip := range flips + warmup {
		for _, e := range []*oneEdge{ours, bare} {
			if err := e.flip(ctx, flip); err != nil {
				return fmt.Errorf("flip %d of %s: %w", flip, e.source.Group, err)
			}
		}
		if flip == warmup {
			ours.took, bare.took = nil, nil
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
	seen, err := e.followers.all(ctx, 1)
	e.took = append(e.took, seen.Sub(written))
	return err
}
