package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// growth measures the alias side alone, with a check that is suspended and more and more aliases of it. The
// baseline of the memory is a process with bare informers of both kinds.
func growth(ctx context.Context, b *bench) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.product.Create(ctx, suspended(sourceName)); err != nil {
		return fmt.Errorf("creating the source: %w", err)
	}
	var steps []grown
	for i, n := range b.scale.grown {
		from := 0
		if i > 0 {
			from = b.scale.grown[i-1]
		}
		if err := w.createAliases(ctx, from, n, func(int) string { return sourceName }); err != nil {
			return err
		}
		g, err := w.measureGrown(ctx, n)
		if err != nil {
			return err
		}
		steps = append(steps, g)
		g.report(b.report)
	}
	reportSlopes(b.report, steps)
	return nil
}

// grown is what so many aliases cost.
type grown struct {
	aliases      int
	core         float64 // per cent
	memory, bare float64 // MiB
}

// measureGrown runs a manager of its own, so that no garbage of the growing is in its memory.
func (w *world) measureGrown(ctx context.Context, n int) (g grown, err error) {
	settler, err := w.startManager(ctx)
	if err != nil {
		return g, err
	}
	if err := w.settled(ctx, v1alpha1.StateUnknown); err != nil {
		return g, err
	}
	settler.stop()

	m, err := w.startManager(ctx)
	if err != nil {
		return g, err
	}
	defer m.stop()
	bare, err := w.startChild("cache", "-kubeconfig="+w.plane.Kubeconfig)
	if err != nil {
		return g, err
	}
	defer bare.stop()
	if err := pause(ctx, 15*time.Second); err != nil { // the start is over
		return g, err
	}
	err = m.profiled(ctx, w.bench, fmt.Sprintf("growth-%d", n), w.bench.scale.grownFor/2, func() error {
		g, err = w.measureAliases(ctx, m, bare, n)
		return err
	})
	return g, err
}

func (w *world) measureAliases(ctx context.Context, m *manager, bare *process, n int) (g grown, err error) {
	before, err := m.cpu()
	if err != nil {
		return g, err
	}
	if err := pause(ctx, w.bench.scale.grownFor); err != nil {
		return g, err
	}
	after, err := m.cpu()
	if err != nil {
		return g, err
	}
	if g.memory, err = m.resident(); err != nil {
		return g, err
	}
	g.aliases = n
	g.bare, err = bare.resident()
	g.core = 100 * (after - before).Seconds() / w.bench.scale.grownFor.Seconds()
	return g, err
}

func (g grown) report(r *report) {
	name := fmt.Sprintf("growth/%d/", g.aliases)
	r.state(name+"cpu", g.core, "% of a core", atMost(2))
	r.compare(name+"memory", g.memory, g.bare, "MiB", noGoal)
}

// reportSlopes compares what each further alias costs between the last two sizes with what it cost between
// the first two: a fixed cost does not count, and growth that is not linear shows.
func reportSlopes(r *report, steps []grown) {
	firstCPU, firstSize := steps[1].slopes(steps[0])
	lastCPU, lastSize := steps[len(steps)-1].slopes(steps[len(steps)-2])
	r.compare("growth/cpu-per-1000-more", lastCPU, firstCPU, "% of a core", ratioAtMost(1.2))
	r.compare("growth/memory-per-alias-more", lastSize, firstSize, "KiB", ratioAtMost(1.2))
}

func (g grown) slopes(smaller grown) (cpu, size float64) {
	more := float64(g.aliases - smaller.aliases)
	return 1000 * (g.core - smaller.core) / more, 1024 * (g.memory - smaller.memory) / more
}
