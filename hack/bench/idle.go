package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// probeInterval of an idle cluster.
const probeInterval = 10 * time.Second

// idle measures what it costs to watch over checks of which none changes, with the flags of an installation. The
// baseline is a bare net/http loop of the same probes, which runs beside the manager; CPU time is counted per process.
func idle(ctx context.Context, b *bench) error {
	w, err := newWorldWith(b, audited)
	if err != nil {
		return err
	}
	defer w.close()
	m, err := w.startElected(ctx)
	if err != nil {
		return err
	}
	if err := pause(ctx, 5*time.Second); err != nil { // it leads
		return err
	}
	empty, err := m.resident()
	if err != nil {
		return err
	}
	b.report.state("idle/memory-without-checks", empty, "MiB", atMost(50))
	n := b.scale.idleChecks
	if err := w.populate(ctx, n); err != nil {
		return err
	}
	if err := w.eventsWritten(ctx); err != nil {
		return err
	}
	bare, err := w.startProber(n, probeInterval)
	if err != nil {
		return err
	}
	if err := pause(ctx, 2*probeInterval); err != nil {
		return err
	}
	b.progress.say("measuring for %s", b.scale.idleFor)
	return m.profiled(ctx, b, "idle", b.scale.idleFor/2, func() error { return w.measureIdle(ctx, m, bare, empty) })
}

// populate makes n checks that pass, with an alias each, and waits until all show that.
func (w *world) populate(ctx context.Context, n int) error {
	w.bench.progress.say("creating %d + %d checks", n, n)
	if _, err := w.createChecks(ctx, n, probeInterval); err != nil {
		return err
	}
	if err := w.createAliases(ctx, 0, n, func(i int) string { return named("check", i) }); err != nil {
		return err
	}
	w.bench.progress.say("waiting until they have settled")
	return w.settled(ctx, n, always(v1alpha1.StatePassing))
}

// eventsWritten waits until the manager has written no Event or status for five seconds.
func (w *world) eventsWritten(ctx context.Context) error {
	return eventually(ctx, time.Second, func() (bool, error) {
		before, err := w.auditSize()
		if err != nil {
			return false, err
		}
		if err := pause(ctx, 5*time.Second); err != nil {
			return false, err
		}
		calls, err := w.requests(before)
		return writesIn(calls) == 0, err
	})
}

// writesIn counts what may change something; the lease of the leader apart, which has to be renewed.
func writesIn(calls map[string]int) int {
	writes := 0
	for name, count := range calls {
		verb, resource, _ := strings.Cut(name, " ")
		if !slices.Contains([]string{"get", "list", "watch"}, verb) && resource != "leases" {
			writes += count
		}
	}
	return writes
}

func (w *world) measureIdle(ctx context.Context, m *manager, bare *process, empty float64) error {
	began := time.Now()
	since, err := w.auditSize()
	if err != nil {
		return err
	}
	cpu, err1 := m.cpu()
	bareCPU, err2 := bare.cpu()
	if err := errors.Join(err1, err2, pause(ctx, w.bench.scale.idleFor)); err != nil {
		return err
	}
	cpuAfter, err1 := m.cpu()
	bareAfter, err2 := bare.cpu()
	ended := time.Now()
	memory, err3 := m.resident()
	calls, err4 := w.requests(since)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	n := w.bench.scale.idleChecks
	name, r := fmt.Sprintf("idle/%d+%d/", n, n), w.bench.report
	r.compare(name+"cpu-per-probe", perProbe(cpuAfter-cpu, len(w.subject.noted("ours", began, ended))),
		perProbe(bareAfter-bareCPU, len(w.subject.noted("bare", began, ended))), "µs", ratioAtMost(1.5))
	r.state(name+"memory", memory, "MiB", atMost(250))
	r.state(name+"memory-per-check", (memory-empty)*1024/float64(2*n), "KiB", noGoal)
	r.state(name+"writes", float64(writesIn(calls)), "", atMost(0))
	w.reportCalls(name+"requests/", calls, ended.Sub(began).Minutes())
	return nil
}

// reportCalls states each kind of request, and how many there were beside what has to be: the lists of the sweeps, the
// lease, and the watches, which the API server ends after five to ten minutes.
func (w *world) reportCalls(name string, calls map[string]int, minutes float64) {
	others := 0
	for _, kind := range slices.Sorted(maps.Keys(calls)) {
		verb, resource, _ := strings.Cut(kind, " ")
		if verb != "list" && verb != "watch" && resource != "leases" {
			others += calls[kind]
		}
		w.bench.report.state(name+verb+"-"+resource, float64(calls[kind])/minutes, "/min", noGoal)
	}
	w.bench.report.state(name+"all-others", float64(others)/minutes, "/min", atMost(0))
}

func perProbe(cpu time.Duration, probes int) float64 {
	if probes == 0 {
		return math.NaN()
	}
	return float64(cpu.Nanoseconds()) / 1000 / float64(probes)
}
