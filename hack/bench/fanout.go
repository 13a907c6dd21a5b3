package main

import (
	"context"
	"fmt"
	"time"
)

// fanout measures how long it takes until all aliases of one check have followed it. The baseline is the
// physical limit: a bare loop of as many status patches, of the same size, at the same concurrency.
func fanout(ctx context.Context, b *bench) error {
	costs := map[int]time.Duration{}
	for _, n := range b.scale.fanout {
		var err error
		if costs[n], err = fanoutOf(ctx, b, n); err != nil {
			return fmt.Errorf("%d aliases: %w", n, err)
		}
	}
	largest := b.scale.fanout[len(b.scale.fanout)-1]
	b.report.compare(fmt.Sprintf("fanout/growth/%d-to-%d", largest/10, largest),
		milliseconds(costs[largest]), 10*milliseconds(costs[largest/10]), "ms", ratioAtMost(1.1))
	return nil
}

func fanoutOf(ctx context.Context, b *bench, n int) (time.Duration, error) {
	w, err := newWorld(b)
	if err != nil {
		return 0, err
	}
	defer w.close()
	m, err := w.startManager(ctx)
	if err != nil {
		return 0, err
	}
	aliases, err := w.fanoutObjects(ctx, n)
	if err != nil {
		return 0, err
	}
	defer aliases.close()

	var ours, bare []time.Duration
	rounds := func() error { return w.fanoutRounds(ctx, n, aliases, &ours, &bare) }
	if err := m.profiled(ctx, b, fmt.Sprintf("fanout-%d", n), 5*time.Second, rounds); err != nil {
		return 0, err
	}
	goal := noGoal
	if n >= 100 {
		goal = ratioAtLeast(0.9)
	}
	b.report.compare(fmt.Sprintf("fanout/%d", n), perSecond(n, median(ours)), perSecond(n, median(bare)), "patches/s", goal)
	return median(ours), nil
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

// fanoutObjects makes a source with n aliases, and as many mirrors for the baseline.
func (w *world) fanoutObjects(ctx context.Context, n int) (*observer, error) {
	aliases, err := w.observe(ctx, aliasChecks)
	if err != nil {
		return nil, err
	}
	if err := w.product.Create(ctx, puppet(w.subject.hanging())); err != nil {
		return nil, fmt.Errorf("creating the source: %w", err)
	}
	if err := times(ctx, n, func(ctx context.Context, i int) error {
		return w.product.Create(ctx, following(named("alias", i), sourceName))
	}); err != nil {
		return nil, fmt.Errorf("creating aliases: %w", err)
	}
	if err := times(ctx, n, func(ctx context.Context, i int) error {
		return w.baseline.Create(ctx, following(named("alias", i), sourceName))
	}); err != nil {
		return nil, fmt.Errorf("creating mirrors: %w", err)
	}
	_, err = aliases.all(ctx, n)
	return aliases, err
}

// fanoutRounds alternates between the manager and the bare loop. The first round warms both up.
func (w *world) fanoutRounds(ctx context.Context, n int, aliases *observer, ours, bare *[]time.Duration) error {
	for flip := range w.bench.scale.fanoutRounds + 1 {
		if err := aliases.drain(ctx, time.Second); err != nil {
			return err
		}
		followed, err := w.timeFanout(ctx, n, flip, aliases)
		if err != nil {
			return err
		}
		if err := aliases.drain(ctx, time.Second); err != nil {
			return err
		}
		patched, err := w.timeBareLoop(ctx, n, flip)
		if err != nil {
			return err
		}
		if flip > 0 {
			*ours, *bare = append(*ours, followed), append(*bare, patched)
		}
	}
	return nil
}

func (w *world) timeFanout(ctx context.Context, n, flip int, aliases *observer) (time.Duration, error) {
	began := time.Now()
	if err := patchStatus(ctx, w.rest, healthChecks, sourceName, sourceStatus(flip)); err != nil {
		return 0, err
	}
	last, err := aliases.all(ctx, n)
	return last.Sub(began), err
}

func (w *world) timeBareLoop(ctx context.Context, n, flip int) (time.Duration, error) {
	began := time.Now()
	body := mirrorStatus(flip)
	err := times(ctx, n, func(ctx context.Context, i int) error {
		return patchStatus(ctx, w.rest, mirrors, named("alias", i), body)
	})
	return time.Since(began), err
}
