package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// The lease of a leader, and how soon after its end a standby has to lead.
const (
	leaseDuration = 12 * time.Second
	takeover      = time.Second
	// handOvers is how many of each kind are measured.
	handOvers = 3
)

// failover measures a cold start, the hand-over of a leader that is asked to end, and that of one which is
// killed, while one target in twenty hangs. What is seen is what the subject of the probes sees.
func failover(ctx context.Context, b *bench) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	w.subject.hangEvery.Store(oneIn)
	n := b.scale.failoverChecks
	b.progress.say("creating %d + %d checks", n, n)
	uids, err := w.createChecks(ctx, n, probeInterval)
	if err != nil {
		return err
	}
	if err := w.createAliases(ctx, 0, n, func(i int) string { return named("check", i) }); err != nil {
		return err
	}
	leader, err := w.coldStarts(ctx)
	if err != nil {
		return err
	}
	if leader, err = w.handOvers(ctx, leader, syscall.SIGTERM, "sigterm", takeover, uids); err != nil {
		return err
	}
	_, err = w.handOvers(ctx, leader, syscall.SIGKILL, "sigkill", leaseDuration+takeover, uids)
	return err
}

func (w *world) startElected(ctx context.Context) (*manager, error) {
	return w.startManager(ctx, "--leader-elect", "--leader-election-namespace="+namespace)
}

// deserved is the state of an alias whose target answers, or hangs.
func deserved(alias string) v1alpha1.State {
	if i, err := strconv.Atoi(alias[strings.LastIndexByte(alias, '-')+1:]); err == nil && i%oneIn == 0 {
		return v1alpha1.StateCritical
	}
	return v1alpha1.StatePassing
}

// coldStarts starts on checks that were never reported, and again on the same when all are.
func (w *world) coldStarts(ctx context.Context) (*manager, error) {
	n, began := w.bench.scale.failoverChecks, time.Now()
	w.bench.progress.say("the first start")
	first, err := w.startElected(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.settled(ctx, n, deserved); err != nil {
		return nil, err
	}
	w.bench.report.state(fmt.Sprintf("start/%d+%d/first-ever", n, n), time.Since(began).Seconds(), "s", noGoal)
	if err := first.statusesStill(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	first.stop()

	w.bench.progress.say("a restart")
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
	return eventually(ctx, 200*time.Millisecond, func() (bool, error) {
		if w.subject.seen("ours", since) < n {
			return false, nil
		}
		evaluated, err := m.counter(ctx, "controller_runtime_reconcile_total", map[string]string{"controller": "aliascheck"})
		return evaluated >= float64(n), err
	})
}

// handOvers ends one leader after another, and returns the last one.
func (w *world) handOvers(
	ctx context.Context, leader *manager, how syscall.Signal, name string, limit time.Duration, uids map[string]types.UID,
) (*manager, error) {
	var silences []time.Duration
	var all punctuality
	for i := range handOvers {
		w.bench.progress.say("%s, %d of %d", name, i+1, handOvers)
		standby, err := w.startElected(ctx)
		if err != nil {
			return nil, err
		}
		silence, punctual, err := w.handOver(ctx, leader, how, limit, uids)
		if err != nil {
			return nil, err
		}
		silences = append(silences, silence)
		all.add(punctual)
		leader = standby
	}
	r := w.bench.report
	r.state(fmt.Sprintf("failover/%s/silence-longest-of-%d", name, handOvers), slices.Max(silences).Seconds(), "s",
		atMost(limit.Seconds()))
	r.state("failover/"+name+"/silence-median", median(silences)/1e9, "s", noGoal)
	r.state("failover/"+name+"/probes-missed", float64(all.missed)/handOvers, "each time", noGoal)
	goal := noGoal
	if how == syscall.SIGTERM {
		goal = atMost(0)
	}
	r.state("failover/"+name+"/missed-two-in-a-row", float64(all.inARow), "probes", goal)
	return leader, nil
}

// handOver ends the leader, beside a standby. It looks at the probes that are due from then until the standby has led
// for an interval.
func (w *world) handOver(
	ctx context.Context, leader *manager, how syscall.Signal, limit time.Duration, uids map[string]types.UID,
) (time.Duration, punctuality, error) {
	if err := pause(ctx, 5*time.Second); err != nil { // the start of the standby is over
		return 0, punctuality{}, err
	}
	ended := time.Now()
	leader.signal(how)
	over := ended.Add(limit + probeInterval)
	if err := pause(ctx, time.Until(over.Add(probeInterval))); err != nil {
		return 0, punctuality{}, err
	}
	leader.stop()
	now := time.Now()
	seen := w.subject.noted("ours", ended, now)
	return longestSilence(seen, ended, now), punctualityOf(seen, uids, probeInterval, ended, over), nil
}

// longestSilence is the longest time in which no probe came at all.
func longestSilence(seen []arrival, from, to time.Time) time.Duration {
	longest, last := time.Duration(math.MinInt64), from
	for _, a := range slices.SortedFunc(slices.Values(append(seen, arrival{at: to})), byTime) {
		longest, last = max(longest, a.at.Sub(last)), a.at
	}
	return longest
}

func byTime(a, b arrival) int { return a.at.Compare(b.at) }
