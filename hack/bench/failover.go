package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// The lease of a leader, as controller-runtime sets it, and how soon after its end a standby shall lead.
const (
	leaseDuration = 15 * time.Second
	takeover      = 2 * time.Second
)

// failover measures a cold start, the hand-over of a leader that is asked to end, and that of one which is
// killed. What is seen is what the subject of the probes sees: how long nobody came.
func failover(ctx context.Context, b *bench) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	n := b.scale.failoverChecks
	if _, err := w.createChecks(ctx, n, probeInterval, 0); err != nil {
		return err
	}
	if err := w.createAliases(ctx, 0, n, func(i int) string { return named("check", i) }); err != nil {
		return err
	}
	leader, err := w.coldStarts(ctx)
	if err != nil {
		return err
	}
	if leader, err = w.handOver(ctx, leader, syscall.SIGTERM, "sigterm", takeover); err != nil {
		return err
	}
	_, err = w.handOver(ctx, leader, syscall.SIGKILL, "sigkill", leaseDuration+takeover)
	return err
}

func (w *world) startElected(ctx context.Context) (*manager, error) {
	return w.startManager(ctx, "--leader-elect", "--leader-election-namespace="+namespace)
}

// coldStarts starts on checks that were never reported, and again on the same when all are.
func (w *world) coldStarts(ctx context.Context) (*manager, error) {
	n, began := w.bench.scale.failoverChecks, time.Now()
	first, err := w.startElected(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.settled(ctx, v1alpha1.StatePassing); err != nil {
		return nil, err
	}
	w.bench.report.state(fmt.Sprintf("start/%d+%d/first-ever", n, n), time.Since(began).Seconds(), "s", noGoal)
	first.stop()

	began = time.Now()
	second, err := w.startElected(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.verified(ctx, second, began); err != nil {
		return nil, err
	}
	w.bench.report.compare(fmt.Sprintf("start/%d+%d/verified-anew", n, n), time.Since(began).Seconds(),
		probeInterval.Seconds(), "s", noGoal)
	return second, nil
}

// verified waits until every check was probed and every alias evaluated.
func (w *world) verified(ctx context.Context, m *manager, since time.Time) error {
	n := w.bench.scale.failoverChecks
	return eventually(ctx, 100*time.Millisecond, func() (bool, error) {
		if w.subject.seen("ours", since) < n {
			return false, nil
		}
		evaluated, err := m.counter(ctx, "controller_runtime_reconcile_total", map[string]string{"controller": "aliascheck"})
		return evaluated >= float64(n), err
	})
}

// handOver ends the leader, and returns the standby that took over.
func (w *world) handOver(ctx context.Context, leader *manager, how syscall.Signal, name string, limit time.Duration) (*manager, error) {
	standby, err := w.startElected(ctx)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, probeInterval); err != nil {
		return nil, err
	}
	ended := time.Now()
	leader.signal(how)
	if err := pause(ctx, limit+2*probeInterval+2*time.Second); err != nil {
		return nil, err
	}
	seen := w.subject.noted("ours", ended.Add(-probeInterval), time.Now())
	silence, gap := longestSilence(seen), longestGap(seen)
	w.bench.report.state("failover/"+name+"/silence", silence.Seconds(), "s", atMost(limit.Seconds()))
	w.bench.report.compare("failover/"+name+"/longest-gap", gap.Seconds(), probeInterval.Seconds(), "s", noGoal)
	return standby, nil
}

// longestSilence is the longest time in which no probe came at all.
func longestSilence(seen []arrival) time.Duration {
	var longest time.Duration
	slices.SortFunc(seen, func(a, b arrival) int { return a.at.Compare(b.at) })
	for i := range seen[1:] {
		longest = max(longest, seen[i+1].at.Sub(seen[i].at))
	}
	return longest
}

// longestGap is the longest time between two probes of one check.
func longestGap(seen []arrival) time.Duration {
	var longest time.Duration
	last := map[string]time.Time{}
	for _, a := range seen {
		if before, found := last[a.id]; found {
			longest = max(longest, a.at.Sub(before))
		}
		last[a.id] = a.at
	}
	return longest
}
