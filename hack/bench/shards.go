package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// divided are the shards that divide the checks of one manager among them.
var divided = []string{"", "a", "b"}

// shards measures the CPU of the busiest of three managers that divide a cluster of checks. The baseline is a third of what one
// manager for all of them takes, measured just before.
func shards(ctx context.Context, b *bench) error {
	n := b.scale.idleChecks
	w, alone, err := newWatchedWorld(ctx, b, n)
	if err != nil {
		return err
	}
	defer w.close()
	one, err := w.busiest(ctx, alone)
	if err != nil {
		return err
	}
	alone.stop()
	b.progress.say("dividing them among %d shards", len(divided))
	if err := w.divide(ctx, n); err != nil {
		return err
	}
	var managers []*manager
	for _, shard := range divided {
		m, err := w.startManager(ctx, "--shard="+shard)
		if err != nil {
			return err
		}
		managers = append(managers, m)
	}
	busiest, err := w.busiest(ctx, managers...)
	if err != nil {
		return err
	}
	perSecond := 1000 / w.bench.scale.idleFor.Seconds()
	b.report.compare(fmt.Sprintf("shards/%d-of-%d+%d/cpu-of-the-busiest", len(divided), n, n),
		busiest.Seconds()*perSecond, one.Seconds()*perSecond/float64(len(divided)), "ms/s", ratioAtMost(1.3))
	return nil
}

// busiest is the CPU time of the manager that uses the most, while nothing changes.
func (w *world) busiest(ctx context.Context, managers ...*manager) (most time.Duration, err error) {
	if err := pause(ctx, 3*probeInterval); err != nil { // what comes after a start is over
		return 0, err
	}
	w.bench.progress.say("measuring %d managers for %s", len(managers), w.bench.scale.idleFor)
	before := make([]time.Duration, len(managers))
	for i, m := range managers {
		if before[i], err = m.cpu(); err != nil {
			return 0, err
		}
	}
	if err := pause(ctx, w.bench.scale.idleFor); err != nil {
		return 0, err
	}
	for i, m := range managers {
		after, err := m.cpu()
		if err != nil {
			return 0, err
		}
		most = max(most, after-before[i])
	}
	return most, nil
}

// divide gives each shard as many checks as the others, and their aliases.
func (w *world) divide(ctx context.Context, n int) error {
	return times(ctx, n, func(ctx context.Context, i int) error {
		shard := divided[i%len(divided)]
		if shard == "" {
			return nil
		}
		patch := client.RawPatch(types.MergePatchType,
			fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, v1alpha1.LabelShard, shard))
		check, alias := probing(named("check", i), "", probeInterval), following(named("alias", i), "")
		if err := w.product.Patch(ctx, check, patch); err != nil {
			return fmt.Errorf("labelling a check: %w", err)
		}
		return w.product.Patch(ctx, alias, patch)
	})
}
