package main

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fanout measures how long it takes until an observer has seen all aliases of one check follow it. The baseline is the
// physical limit: a bare loop of the same status patches, the check's own and then those of its followers, of the same
// size, at the same concurrency, seen by an observer too.
func fanout(ctx context.Context, b *bench) error {
	w, m, err := newWorldWithManager(ctx, b)
	if err != nil {
		return err
	}
	defer w.close()
	f := &fanoutRun{world: w, manager: m, flips: map[int]int{}, ours: map[int][]time.Duration{}, bare: map[int][]time.Duration{}}
	if f.aliases, err = w.observe(ctx, aliasChecks); err != nil {
		return err
	}
	defer f.aliases.close()
	if f.mirrors, err = w.observe(ctx, mirrors); err != nil {
		return err
	}
	defer f.mirrors.close()
	for _, n := range b.scale.fanout {
		if err := f.create(ctx, n); err != nil {
			return fmt.Errorf("creating %d aliases: %w", n, err)
		}
	}
	if err := m.profiled(ctx, b, "fanout", 30*time.Second, func() error { return f.rounds(ctx) }); err != nil {
		return err
	}
	f.report(b)
	return nil
}

type fanoutRun struct {
	world            *world
	manager          *manager
	aliases, mirrors *observer
	// flips, ours and bare are by the number of aliases.
	flips      map[int]int
	ours, bare map[int][]time.Duration
}

func fanoutSource(n int) string { return fmt.Sprintf("source-%d", n) }

func fanoutAlias(n, i int) string { return named(fmt.Sprintf("alias-%d", n), i) }

// create makes a source with n aliases, and as many mirrors for the baseline.
func (f *fanoutRun) create(ctx context.Context, n int) error {
	f.world.bench.progress.say("creating %d aliases", n)
	for _, group := range []client.WithWatch{f.world.product, f.world.baseline} {
		if err := f.world.createPuppet(ctx, group, fanoutSource(n)); err != nil {
			return err
		}
	}
	err := times(ctx, n, func(ctx context.Context, i int) error {
		if err := f.world.product.Create(ctx, following(fanoutAlias(n, i), fanoutSource(n))); err != nil {
			return err
		}
		return f.world.baseline.Create(ctx, following(fanoutAlias(n, i), fanoutSource(n)))
	})
	if err != nil {
		return err
	}
	_, err = f.aliases.all(ctx, prefixOf(n), n)
	return err
}

// rounds measure all sizes in turn, the small ones more often, and the first round warms up. Of each pair, the
// manager's turn comes first in one and second in the next.
func (f *fanoutRun) rounds(ctx context.Context) error {
	for round := range f.world.bench.scale.fanoutRounds + 1 {
		for _, n := range f.world.bench.scale.fanout {
			f.world.bench.progress.say("round %d of %d, %d aliases", round, f.world.bench.scale.fanoutRounds, n)
			for pair := range pairsOf(n) {
				ours, bare, err := f.pair(ctx, n, (round+pair)%2 == 0)
				if err != nil {
					return fmt.Errorf("%d aliases: %w", n, err)
				}
				if round > 0 {
					f.ours[n], f.bare[n] = append(f.ours[n], ours), append(f.bare[n], bare)
				}
			}
		}
	}
	return nil
}

// pairsOf is how many pairs of a size are in a round, two to a block: the shorter a measurement is, the more it depends on
// what else the API server does just then.
func pairsOf(n int) int {
	switch {
	case n >= 1000:
		return 2
	case n >= 100:
		return 24
	default:
		return 8
	}
}

func (f *fanoutRun) pair(ctx context.Context, n int, oursFirst bool) (ours, bare time.Duration, err error) {
	f.flips[n]++
	turns := []func() error{
		func() (err error) { ours, err = f.follow(ctx, n); return err },
		func() (err error) { bare, err = f.loop(ctx, n); return err },
	}
	if !oursFirst {
		turns[0], turns[1] = turns[1], turns[0]
	}
	for _, turn := range turns {
		if err := f.quiet(ctx); err != nil {
			return 0, 0, err
		}
		if err := turn(); err != nil {
			return 0, 0, err
		}
	}
	return ours, bare, nil
}

// quiet waits until nothing of an earlier turn goes on: no change is seen, and the manager writes nothing, Events too.
func (f *fanoutRun) quiet(ctx context.Context) error {
	for _, o := range []*observer{f.aliases, f.mirrors} {
		if err := o.drain(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return f.manager.still(ctx, 300*time.Millisecond)
}

func (f *fanoutRun) follow(ctx context.Context, n int) (time.Duration, error) {
	began := time.Now()
	if err := patchStatus(ctx, f.world.rest, healthChecks, fanoutSource(n), sourceStatus(f.flips[n])); err != nil {
		return 0, err
	}
	last, err := f.aliases.all(ctx, prefixOf(n), n)
	return last.Sub(began), err
}

func (f *fanoutRun) loop(ctx context.Context, n int) (time.Duration, error) {
	body := mirrorStatus(f.flips[n])
	began := time.Now()
	if err := patchStatus(ctx, f.world.rest, sources, fanoutSource(n), sourceStatus(f.flips[n])); err != nil {
		return 0, err
	}
	if err := times(ctx, n, func(ctx context.Context, i int) error {
		return patchStatus(ctx, f.world.rest, mirrors, fanoutAlias(n, i), body)
	}); err != nil {
		return 0, err
	}
	last, err := f.mirrors.all(ctx, prefixOf(n), n)
	return last.Sub(began), err
}

// prefixOf is what the names of the aliases of one size begin with.
func prefixOf(n int) string { return fmt.Sprintf("alias-%d-", n) }

func (f *fanoutRun) report(b *bench) {
	sizes := b.scale.fanout
	for _, n := range sizes {
		goal := noGoal
		if n >= 100 {
			goal = ratioAtLeast(0.9)
		}
		// Throughput is the inverse of the time, and so is its ratio.
		b.report.compareBlocks(fmt.Sprintf("fanout/%d", n), perSecond(n, f.ours[n]), perSecond(n, f.bare[n]),
			blockRatio(f.bare[n], f.ours[n]), "patches/s", goal)
	}
	large := sizes[len(sizes)-1]
	b.report.compare(fmt.Sprintf("fanout/growth/%d-to-%d", large/10, large), median(f.ours[large])/1e6,
		10*median(f.ours[large/10])/1e6, "ms", ratioAtMost(1.1))
	b.report.state("fanout/growth/of-the-baseline", median(f.bare[large])/(10*median(f.bare[large/10])), "times", noGoal)
}

func perSecond(n int, took []time.Duration) float64 { return float64(n) / (median(took) / 1e9) }
