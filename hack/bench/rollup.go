package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const (
	// rollUpEvery is the interval of the members, so that all of them flip within a second.
	rollUpEvery = time.Second
	// rollUps over the same members, beside the one that is measured alone first.
	rollUps = 100
)

// rollup measures what it costs that all members of a roll-up flip within a second: one roll-up first, and then a hundred of
// the same members. Writes are counted as an observer sees them; there is no baseline for what is not written.
func rollup(ctx context.Context, b *bench) error {
	w, m, err := newWorldWithManager(ctx, b)
	if err != nil {
		return err
	}
	defer w.close()
	n := b.scale.rolledUp
	b.progress.say("creating %d members", n)
	if err := w.createMembers(ctx, n); err != nil {
		return err
	}
	all := 0
	for _, size := range []int{1, rollUps} {
		all += size
		if err := w.createRollUps(ctx, size); err != nil {
			return err
		}
		if err := w.settled(ctx, all, always(v1alpha1.StatePassing)); err != nil {
			return err
		}
		if err := w.measureRollUps(ctx, m, size); err != nil {
			return fmt.Errorf("%d roll-ups: %w", size, err)
		}
	}
	return nil
}

// createMembers makes checks that flip with their first result, and have the whole interval for it: a busy machine is no
// outage.
func (w *world) createMembers(ctx context.Context, n int) error {
	return times(ctx, n, func(ctx context.Context, i int) error {
		name := named("member", i)
		check := probing(name, w.subject.noting("ours", name), rollUpEvery)
		check.Spec.FailureThreshold = 1
		return w.product.Create(ctx, check)
	})
}

func rollUpPrefix(size int) string { return fmt.Sprintf("rollup-%d-", size) }

func (w *world) createRollUps(ctx context.Context, size int) error {
	return times(ctx, size, func(ctx context.Context, i int) error {
		alias := following(named(strings.TrimSuffix(rollUpPrefix(size), "-"), i), "")
		alias.Spec = v1alpha1.AliasCheckSpec{Selector: &v1alpha1.Selector{}}
		return w.product.Create(ctx, alias)
	})
}

// measureRollUps lets all members fail, and all pass again, some times.
func (w *world) measureRollUps(ctx context.Context, m *manager, size int) error {
	followers, err := w.observe(ctx, aliasChecks)
	if err != nil {
		return err
	}
	defer followers.close()
	var took, cpu []time.Duration
	most := 0
	for burst := range w.bench.scale.bursts {
		w.bench.progress.say("burst %d of %d, %d roll-ups", burst+1, w.bench.scale.bursts, size)
		writes, followed, used, err := w.flipAll(ctx, m, followers, size)
		if err != nil {
			return err
		}
		took, cpu, most = append(took, followed), append(cpu, used), max(most, writes)
	}
	name, r := fmt.Sprintf("rollup/%d-of-%d/", size, w.bench.scale.rolledUp), w.bench.report
	r.state(name+"writes-of-one-a-burst", float64(most), "", atMost(3))
	r.state(name+"until-all-follow", median(took)/1e6, "ms", noGoal)
	r.state(name+"cpu-a-burst", median(cpu)/1e6, "ms", noGoal)
	return nil
}

// flipAll is one burst: how often one roll-up was written at the most, how long it took until all had changed, and the
// manager's processor time, that of the members' probes too.
func (w *world) flipAll(
	ctx context.Context, m *manager, followers *observer, size int,
) (writes int, followed, used time.Duration, err error) {
	if err := errors.Join(m.still(ctx, 2*rollUpEvery), followers.drain(ctx, 100*time.Millisecond)); err != nil {
		return 0, 0, 0, err
	}
	before, err := m.cpu()
	if err != nil {
		return 0, 0, 0, err
	}
	began := time.Now()
	w.subject.fails.Store(!w.subject.fails.Load())
	writes, last, err := followers.burst(ctx, rollUpPrefix(size), size, 3*rollUpEvery)
	if err != nil {
		return 0, 0, 0, err
	}
	after, err := m.cpu()
	return writes, last.Sub(began), after - before, err
}

// burst is how often that one of n objects was written which was written most, until nothing has come for a while, and when
// the last of them was first.
func (o *observer) burst(ctx context.Context, prefix string, n int, quiet time.Duration) (most int, last time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	writes := map[string]int{}
	for {
		select {
		case <-ctx.Done():
			return 0, last, fmt.Errorf("%d of %d objects were seen to change: %w", len(writes), n, ctx.Err())
		case s := <-o.sightings:
			if !strings.HasPrefix(s.name, prefix) {
				continue
			}
			if writes[s.name]++; writes[s.name] == 1 {
				last = s.at
			}
			most = max(most, writes[s.name])
		case <-time.After(quiet):
			if len(writes) >= n {
				return most, last, nil
			}
		}
	}
}
