package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// grownResync is shorter than in life, so that a window of half a minute has several resyncs of every alias.
const grownResync = 10 * time.Second

// growth measures the alias side alone, with a check that is suspended and more and more aliases of it: what each
// further alias costs, between two sizes. The baseline of the memory is a process with bare informers of both kinds.
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
	for _, n := range b.scale.grown {
		g, err := w.grow(ctx, steps, n)
		if err != nil {
			return err
		}
		steps = append(steps, g)
	}
	reportSlopes(b.report, steps)
	return nil
}

// grown is what so many aliases cost.
type grown struct {
	aliases int
	// cpu is that of a second.
	cpu time.Duration
	// live is the heap that is in use, resident all that the process has, both in MiB.
	live, resident float64
}

// grow adds aliases up to n. They are measured with managers of their own, so that no garbage of the growing is in
// their memory.
func (w *world) grow(ctx context.Context, steps []grown, n int) (grown, error) {
	from := 0
	if len(steps) > 0 {
		from = steps[len(steps)-1].aliases
	}
	w.bench.progress.say("creating aliases up to %d", n)
	settler, err := w.startManager(ctx)
	if err != nil {
		return grown{}, err
	}
	if err := w.createAliases(ctx, from, n, func(int) string { return sourceName }); err != nil {
		return grown{}, err
	}
	if err := w.settled(ctx, n, always(v1alpha1.StateUnknown)); err != nil {
		return grown{}, err
	}
	settler.stop()
	if n == w.bench.scale.aliasSide {
		if err := w.measureAliasSide(ctx, n); err != nil {
			return grown{}, err
		}
	}
	return w.measureGrown(ctx, n)
}

// measureAliasSide is about a manager as it is installed, but that it probes nothing.
func (w *world) measureAliasSide(ctx context.Context, n int) error {
	m, err := w.startManager(ctx)
	if err != nil {
		return err
	}
	defer m.stop()
	cpu, err := w.cpuPerSecond(ctx, m, w.bench.scale.aliasSideFor)
	if err != nil {
		return err
	}
	w.bench.report.state(fmt.Sprintf("growth/%d/cpu-of-the-alias-side", n), 100*cpu.Seconds(), "% of a core", atMost(2))
	return nil
}

func (w *world) cpuPerSecond(ctx context.Context, m *manager, length time.Duration) (time.Duration, error) {
	w.bench.progress.say("measuring for %s", length)
	if err := pause(ctx, grownResync+5*time.Second); err != nil { // the start is over
		return 0, err
	}
	before, err := m.cpu()
	if err := errors.Join(err, pause(ctx, length)); err != nil {
		return 0, err
	}
	after, err := m.cpu()
	return time.Duration(float64(after-before) / length.Seconds()), err
}

func (w *world) measureGrown(ctx context.Context, n int) (g grown, err error) {
	m, err := w.startManagerOf(ctx, w.plane.Kubeconfig, []string{"GODEBUG=gctrace=1"}, "--resync-interval="+grownResync.String())
	if err != nil {
		return g, err
	}
	defer m.stop()
	bare, err := w.startChild("cache", "-kubeconfig="+w.plane.Kubeconfig)
	if err != nil {
		return g, err
	}
	defer bare.stop()
	g.aliases = n
	err = m.profiled(ctx, w.bench, fmt.Sprintf("growth-%d", n), w.bench.scale.grownFor/2, func() (err error) {
		g.cpu, err = w.cpuPerSecond(ctx, m, w.bench.scale.grownFor)
		return err
	})
	if err != nil {
		return g, err
	}
	g.live, g.resident = m.liveHeap(), 0
	if g.resident, err = m.resident(); err != nil {
		return g, err
	}
	informers, err := bare.resident()
	if err != nil {
		return g, err
	}
	name := fmt.Sprintf("growth/%d/", n)
	w.bench.report.state(name+"cpu-at-a-resync-of-10s", 100*g.cpu.Seconds(), "% of a core", noGoal)
	w.bench.report.compare(name+"resident-memory", g.resident, informers, "MiB", noGoal)
	w.bench.report.state(name+"live-heap", g.live, "MiB", noGoal)
	return g, nil
}

// collection is a line that the Go runtime writes after each garbage collection; the third of the sizes is what was
// found to be in use.
var collection = regexp.MustCompile(`(?m)^gc \d+ @.* (\d+)->(\d+)->(\d+) MB`)

// liveHeap is what the last garbage collection of a manager with gctrace=1 found in use, in MiB.
func (m *manager) liveHeap() float64 {
	content, err := os.ReadFile(m.log)
	lines := collection.FindAllSubmatch(content, -1)
	if err != nil || len(lines) == 0 {
		return math.NaN()
	}
	size, err := strconv.ParseFloat(string(lines[len(lines)-1][3]), 64)
	if err != nil {
		return math.NaN()
	}
	return size
}

// reportSlopes compares what each further alias costs between two larger sizes with what it cost between the first
// two: a fixed cost does not count, and growth that is not linear shows.
func reportSlopes(r *report, steps []grown) {
	var firstCPU, firstLive float64
	for i := 1; i < len(steps); i++ {
		a, b := steps[i-1], steps[i]
		more := float64(b.aliases - a.aliases)
		// A second has a resync of one alias in so many as a resync has seconds.
		cpu := float64((b.cpu - a.cpu).Nanoseconds()) / 1000 * grownResync.Seconds() / more
		live := (b.live - a.live) * 1024 / more
		name := fmt.Sprintf("growth/%d-to-%d/", a.aliases, b.aliases)
		if i == 1 {
			firstCPU, firstLive = cpu, live
			r.state(name+"cpu-per-alias-and-resync", cpu, "µs", noGoal)
			r.state(name+"live-heap-per-alias", live, "KiB", noGoal)
			continue
		}
		r.compare(name+"cpu-per-alias-and-resync", cpu, firstCPU, "µs", ratioAtMost(1.2))
		r.compare(name+"live-heap-per-alias", live, firstLive, "KiB", ratioAtMost(1.2))
	}
}
