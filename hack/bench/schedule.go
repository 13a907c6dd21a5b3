package main

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/health"
)

// schedule measures how late probes come, as their subject sees it: once with targets that all answer, and
// once with one in twenty that hangs. The baseline has a timer and a goroutine for each check.
func schedule(ctx context.Context, b *bench) error {
	if err := scheduleOf(ctx, b, "schedule/all-answer", 0); err != nil {
		return err
	}
	return scheduleOf(ctx, b, "schedule/one-in-20-hangs", 20)
}

func scheduleOf(ctx context.Context, b *bench, name string, hanging int) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	m, err := w.startManager(ctx)
	if err != nil {
		return err
	}
	n, interval := b.scale.scheduledChecks, b.scale.scheduledEvery
	uids, err := w.createChecks(ctx, n, interval, hanging)
	if err != nil {
		return err
	}
	// A hanging target changes its state a few times before it settles.
	if err := pause(ctx, max(5*interval, 10*time.Second)); err != nil {
		return err
	}
	ours, err := w.latenesses(ctx, m, "ours", func(name string) types.UID { return uids[name] })
	if err != nil {
		return err
	}
	m.stop()
	if _, err := w.startProber(n, interval); err != nil {
		return err
	}
	if err := pause(ctx, interval); err != nil {
		return err
	}
	bare, err := w.latenesses(ctx, nil, "bare", func(name string) types.UID { return types.UID(name) })
	if err != nil {
		return err
	}
	b.report.compare(name+"/p50", quantile(ours, .5), quantile(bare, .5), "ms", noGoal)
	b.report.compare(name+"/p99", quantile(ours, .99), quantile(bare, .99), "ms", atMost(milliseconds(interval)/20))
	return nil
}

// latenesses is how long after their due time the probes of a series come.
func (w *world) latenesses(ctx context.Context, m *manager, series string, uid func(name string) types.UID) ([]time.Duration, error) {
	began, length := time.Now(), w.bench.scale.scheduledFor
	wait := func() error { return pause(ctx, length) }
	var err error
	if m != nil {
		err = m.profiled(ctx, w.bench, "schedule", length/2, wait)
	} else {
		err = wait()
	}
	if err != nil {
		return nil, err
	}
	interval := w.bench.scale.scheduledEvery
	var late []time.Duration
	for _, a := range w.subject.noted(series, began, time.Now()) {
		next := health.ScheduleFor(uid(a.id), interval).After(a.at)
		late = append(late, interval-next.Sub(a.at))
	}
	return late, nil
}
