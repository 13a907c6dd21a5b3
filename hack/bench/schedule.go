package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// oneIn is the share of targets that hang, where some do.
const oneIn = 20

// schedule measures how late probes come, as their subject sees it: with targets that all answer, and with one in
// twenty that hangs. The baseline has a timer and a goroutine for each check. The four cases take turns, in an order
// and in the reverse.
func schedule(ctx context.Context, b *bench) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	s := &scheduleRun{world: w, interval: b.scale.scheduledEvery}
	if s.uids, err = w.createChecks(ctx, b.scale.scheduledChecks, s.interval); err != nil {
		return err
	}
	s.bareUIDs = map[string]types.UID{}
	for name := range s.uids {
		s.bareUIDs[name] = types.UID(name)
	}
	for _, turn := range []func() error{
		func() error { return s.ofManager(ctx, 0, oneIn) },
		func() error { return s.ofProber(ctx, oneIn, 0) },
		func() error { return s.ofProber(ctx, 0, oneIn) },
		func() error { return s.ofManager(ctx, oneIn, 0) },
	} {
		if err := turn(); err != nil {
			return err
		}
	}
	s.report("schedule/all-answer", 0)
	s.report("schedule/one-in-20-hangs", oneIn)
	return nil
}

type scheduleRun struct {
	world          *world
	interval       time.Duration
	uids, bareUIDs map[string]types.UID
	// ours and bare are by how many targets hang.
	ours, bare [oneIn + 1]punctuality
}

func (s *scheduleRun) ofManager(ctx context.Context, turns ...int) error {
	s.world.subject.hangEvery.Store(int64(turns[0]))
	m, err := s.world.startManager(ctx)
	if err != nil {
		return err
	}
	defer m.stop()
	// The first manager that sees these checks has a status to write for each, which is what failover measures.
	if err := m.statusesStill(ctx, s.interval); err != nil {
		return err
	}
	return m.profiled(ctx, s.world.bench, "schedule", s.world.bench.scale.scheduledFor, func() error {
		return s.measure(ctx, "ours", s.uids, &s.ours, turns)
	})
}

func (s *scheduleRun) ofProber(ctx context.Context, turns ...int) error {
	prober, err := s.world.startProber(len(s.uids), s.interval)
	if err != nil {
		return err
	}
	defer prober.stop()
	return s.measure(ctx, "bare", s.bareUIDs, &s.bare, turns)
}

// measure lets one interval and a half pass after each change of who hangs: by then every check has settled. Another
// interval after the last due time says of the last probes that they were missed.
func (s *scheduleRun) measure(
	ctx context.Context, series string, uids map[string]types.UID, sum *[oneIn + 1]punctuality, turns []int,
) error {
	for _, hanging := range turns {
		s.world.bench.progress.say("%s, hanging targets: %d", series, hanging)
		s.world.subject.hangEvery.Store(int64(hanging))
		if err := pause(ctx, max(s.interval*3/2, 5*time.Second)); err != nil {
			return err
		}
		from := time.Now()
		to := from.Add(s.world.bench.scale.scheduledFor)
		if err := pause(ctx, time.Until(to.Add(s.interval))); err != nil {
			return err
		}
		seen := s.world.subject.noted(series, from, time.Now())
		if len(seen) == 0 {
			return errors.New("no probe came in the series " + series)
		}
		sum[hanging].add(punctualityOf(seen, uids, s.interval, from, to))
	}
	return nil
}

func (s *scheduleRun) report(name string, hanging int) {
	r, ours, bare := s.world.bench.report, s.ours[hanging], s.bare[hanging]
	r.compare(name+"/p50", quantile(ours.late, .5), quantile(bare.late, .5), "ms", noGoal)
	r.compare(name+"/p99", quantile(ours.late, .99), quantile(bare.late, .99), "ms", atMost(milliseconds(s.interval)/20))
	r.state(fmt.Sprintf("%s/missed-of-%d", name, len(ours.late)), float64(ours.missed), "probes", atMost(0))
}
