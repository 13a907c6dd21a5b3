package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// probeInterval of an idle cluster.
const probeInterval = 10 * time.Second

// idle measures what it costs to watch over checks of which none changes. The baseline is a bare net/http
// loop of the same probes, which runs beside the manager; CPU time is counted per process.
func idle(ctx context.Context, b *bench) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	m, err := w.startManager(ctx)
	if err != nil {
		return err
	}
	empty, err := m.resident()
	if err != nil {
		return err
	}
	n := b.scale.idleChecks
	if _, err := w.createChecks(ctx, n, probeInterval, 0); err != nil {
		return err
	}
	if err := w.createAliases(ctx, 0, n, func(i int) string { return named("check", i) }); err != nil {
		return err
	}
	if err := w.settled(ctx, v1alpha1.StatePassing); err != nil {
		return err
	}
	bare, err := w.startProber(n, probeInterval)
	if err != nil {
		return err
	}
	if err := pause(ctx, 2*probeInterval); err != nil {
		return err
	}
	return m.profiled(ctx, b, "idle", b.scale.idleFor/2, func() error { return w.measureIdle(ctx, m, bare, empty) })
}

func (w *world) measureIdle(ctx context.Context, m *manager, bare *process, empty float64) error {
	b, n, began := w.bench, w.bench.scale.idleChecks, time.Now()
	before, err := costsOf(ctx, m, bare)
	if err != nil {
		return err
	}
	if err := pause(ctx, b.scale.idleFor); err != nil {
		return err
	}
	after, err := costsOf(ctx, m, bare)
	if err != nil {
		return err
	}
	probes := len(w.subject.noted("ours", began, time.Now()))
	bareProbes := len(w.subject.noted("bare", began, time.Now()))
	minutes := time.Since(began).Minutes()
	name := fmt.Sprintf("idle/%d+%d/", n, n)
	b.report.compare(name+"cpu-per-probe", perProbe(after.cpu-before.cpu, probes),
		perProbe(after.bareCPU-before.bareCPU, bareProbes), "µs", ratioAtMost(1.5))
	b.report.state(name+"writes", after.writes-before.writes, "", atMost(0))
	b.report.state(name+"api-requests", (after.requests-before.requests)/minutes, "/min", noGoal)
	b.report.state(name+"memory", after.memory, "MiB", atMost(250))
	b.report.state(name+"memory-per-check", (after.memory-empty)*1024/float64(2*n), "KiB", noGoal)
	return nil
}

func perProbe(cpu time.Duration, probes int) float64 {
	return float64(cpu.Microseconds()) / float64(probes)
}

// costs are what the manager and the baseline have used up so far.
type costs struct {
	cpu, bareCPU     time.Duration
	memory           float64
	requests, writes float64
}

func costsOf(ctx context.Context, m *manager, bare *process) (c costs, err error) {
	if c.cpu, err = m.cpu(); err != nil {
		return c, err
	}
	if c.bareCPU, err = bare.cpu(); err != nil {
		return c, err
	}
	if c.memory, err = m.resident(); err != nil {
		return c, err
	}
	if c.requests, err = m.counter(ctx, "rest_client_requests_total", nil); err != nil {
		return c, err
	}
	reads, err := m.counter(ctx, "rest_client_requests_total", map[string]string{"method": "GET"})
	c.writes = c.requests - reads
	return c, err
}
