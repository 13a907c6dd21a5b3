package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// sweepEvery is much more often than in life, so that what one sweep costs stands out.
const sweepEvery = 5 * time.Second

// sweeps measures what it costs to compare the watch cache with the API server, and how long a lost edge lasts.
func sweeps(ctx context.Context, b *bench) error {
	if err := swallowedEdges(ctx, b); err != nil {
		return fmt.Errorf("swallowed edges: %w", err)
	}
	for _, n := range b.scale.swept {
		if err := sweepsOf(ctx, b, n); err != nil {
			return fmt.Errorf("%d objects: %w", n, err)
		}
	}
	return nil
}

// swallowedEvery is the interval of the sweep where edges are swallowed.
const swallowedEvery = 10 * time.Second

// swallowedEdges measures the time from a write of a HealthCheck, of which the watch never says anything, until its
// alias shows it. It is that of the sweep: the interval at most, and the grace and the relist after that.
func swallowedEdges(ctx context.Context, b *bench) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	aliases, err := w.observe(ctx, aliasChecks)
	if err != nil {
		return err
	}
	w.cleanup(aliases.close)
	between, err := w.startManagerBehindProxy(ctx, "--sweep-interval="+swallowedEvery.String())
	if err != nil {
		return err
	}
	if err := w.createPuppet(ctx, w.product, sourceName); err != nil {
		return err
	}
	if err := w.product.Create(ctx, following(sourceName, sourceName)); err != nil {
		return fmt.Errorf("creating an alias: %w", err)
	}
	if _, err := aliases.all(ctx, "", 1); err != nil {
		return err
	}
	between.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow, Resource: healthChecks.Resource}}})
	took, err := w.flipUnheard(ctx, b, aliases)
	if err != nil {
		return err
	}
	every := swallowedEvery.Seconds()
	b.report.compare("sweep/swallowed-edge/median", median(took)/1e9, every, "s", noGoal)
	// An interval and 5 s, as for the interval of a minute.
	b.report.compare(fmt.Sprintf("sweep/swallowed-edge/longest-of-%d", len(took)), slices.Max(took).Seconds(),
		every, "s", atMost(every+5))
	return nil
}

// startManagerBehindProxy starts a manager which meets the API server through a proxy that can do it harm.
func (w *world) startManagerBehindProxy(ctx context.Context, flags ...string) (*proxy.Proxy, error) {
	between, err := proxy.Start(w.plane.Config)
	if err != nil {
		return nil, err
	}
	w.cleanup(func() { _ = between.Close() })
	kubeconfig := filepath.Join(w.dir, "proxy.kubeconfig")
	if err := between.WriteKubeconfig(kubeconfig); err != nil {
		return nil, err
	}
	_, err = w.startManagerOf(ctx, kubeconfig, nil, flags...)
	return between, err
}

// flipUnheard flips the source at all phases of the sweep, and says how long its alias took each time.
func (w *world) flipUnheard(ctx context.Context, b *bench, aliases *observer) ([]time.Duration, error) {
	var took []time.Duration
	for flip := range b.scale.swallowed {
		b.progress.say("swallowed edge %d of %d", flip+1, b.scale.swallowed)
		if err := pause(ctx, swallowedEvery*time.Duration(flip)/time.Duration(b.scale.swallowed)); err != nil {
			return nil, err
		}
		if err := aliases.drain(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := patchStatus(ctx, w.rest, healthChecks, sourceName, sourceStatus(flip)); err != nil {
			return nil, err
		}
		seen, err := aliases.all(ctx, "", 1)
		if err != nil {
			return nil, err
		}
		took = append(took, seen.Sub(began))
	}
	return took, nil
}

// sweepsOf compares a manager that sweeps all the time with one beside it that never does. Both stand by, since the
// lease is held here: so they keep their caches, and do nothing else. The API server is measured with another resting
// manager in the sweeping one's place, and then with that.
func sweepsOf(ctx context.Context, b *bench, n int) error {
	w, err := newWorld(b)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.holdLease(ctx); err != nil {
		return err
	}
	b.progress.say("creating %d aliases", n)
	if err := w.createAliases(ctx, 0, n, func(int) string { return sourceName }); err != nil {
		return err
	}
	server, err := w.plane.Process("kube-apiserver")
	if err != nil {
		return err
	}
	resting, err := w.startStandby(ctx, "resting", "24h")
	if err != nil {
		return err
	}
	other, err := w.startStandby(ctx, "other", "24h")
	if err != nil {
		return err
	}
	without, err := w.spendings(ctx, server, resting, other)
	if err != nil {
		return err
	}
	other.stop()
	sweeping, err := w.startStandby(ctx, "sweeping", sweepEvery.String())
	if err != nil {
		return err
	}
	var with []spending
	err = sweeping.profiled(ctx, b, fmt.Sprintf("sweep-%d", n), b.scale.sweptFor/2, func() (err error) {
		with, err = w.spendings(ctx, server, resting, sweeping)
		return err
	})
	if err != nil {
		return err
	}
	// What it would be once a minute.
	share := sweepEvery.Seconds() / time.Minute.Seconds()
	perCent := func(with, without time.Duration) float64 {
		return 100 * share * (with - without).Seconds() / b.scale.sweptFor.Seconds()
	}
	name := fmt.Sprintf("sweep/%d/", n)
	goal := noGoal
	if n <= 10000 {
		goal = atMost(1)
	}
	b.report.state(name+"cpu-once-a-minute", perCent(with[2].cpu, with[1].cpu), "% of a core", goal)
	b.report.state(name+"cpu-of-api-server", perCent(with[0].cpu, without[0].cpu), "% of a core", noGoal)
	b.report.state(name+"bytes-once-a-minute", share*float64(with[2].bytes-with[1].bytes)/
		b.scale.sweptFor.Minutes()/1024, "KiB", noGoal)
	return nil
}

// standby is a manager without the lease, whose traffic is counted.
type standby struct {
	*manager
	meter *meter
}

func (w *world) startStandby(ctx context.Context, name, sweepInterval string) (*standby, error) {
	counting, err := w.startMeter(name)
	if err != nil {
		return nil, err
	}
	m, err := w.startManagerOf(ctx, counting.kubeconfig, nil,
		"--leader-elect", "--leader-election-namespace="+namespace, "--sweep-interval="+sweepInterval)
	return &standby{m, counting}, err
}

// holdLease keeps every manager from leading.
func (w *world) holdLease(ctx context.Context) error {
	clients, err := kubernetes.NewForConfig(w.plane.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "manager." + v1alpha1.GroupVersion.Group}}
	lease.Spec = coordinationv1.LeaseSpec{
		HolderIdentity: new("bench"), LeaseDurationSeconds: new(int32(24 * 3600)),
		AcquireTime: new(metav1.NowMicro()), RenewTime: new(metav1.NowMicro()), LeaseTransitions: new(int32(0)),
	}
	if _, err := clients.CoordinationV1().Leases(namespace).Create(ctx, lease, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("taking the lease: %w", err)
	}
	return nil
}

// spending is what a process used up in one span of time.
type spending struct {
	cpu   time.Duration
	bytes int64
}

// spendings are those of the API server and of two managers over the same span, which begins when their starts are over.
func (w *world) spendings(ctx context.Context, server *controlplane.Process, a, b *standby) ([]spending, error) {
	w.bench.progress.say("measuring for %s", w.bench.scale.sweptFor)
	if err := pause(ctx, 10*time.Second); err != nil {
		return nil, err
	}
	now := func() ([]spending, error) {
		cpu, err1 := cpuOf(server.PID())
		cpuA, err2 := a.cpu()
		cpuB, err3 := b.cpu()
		return []spending{{cpu, 0}, {cpuA, a.meter.received.Load()}, {cpuB, b.meter.received.Load()}}, errors.Join(err1, err2, err3)
	}
	before, err := now()
	if err := errors.Join(err, pause(ctx, w.bench.scale.sweptFor)); err != nil {
		return nil, err
	}
	after, err := now()
	for i := range after {
		after[i].cpu -= before[i].cpu
		after[i].bytes -= before[i].bytes
	}
	return after, err
}
