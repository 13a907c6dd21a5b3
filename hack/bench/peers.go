package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/internal/health"
)

// peers measures the CPU of a probe beside that of blackbox_exporter, which is asked for the same probes at the same rate in the
// same minute. Whoever asks is not counted: for the manager nobody does.
func peers(ctx context.Context, b *bench) error {
	n := b.scale.idleChecks
	w, m, err := newWatchedWorld(ctx, b, n)
	if err != nil {
		return err
	}
	defer w.close()
	exporter, err := w.startBlackbox(ctx, n)
	if err != nil {
		return err
	}
	if err := pause(ctx, 2*probeInterval); err != nil {
		return err
	}
	b.progress.say("measuring for %s", b.scale.idleFor)
	began := time.Now()
	ours, theirs, err := cpuOfBoth(ctx, m.process, exporter, b.scale.idleFor)
	if err != nil {
		return err
	}
	ended := time.Now()
	b.report.compare(fmt.Sprintf("peers/%d+%d/cpu-per-probe-of-blackbox-exporter", n, n),
		perProbe(ours, len(w.subject.noted("ours", began, ended))),
		perProbe(theirs, len(w.subject.noted("blackbox", began, ended))), "µs", ratioAtMost(0.8))
	return nil
}

func cpuOfBoth(ctx context.Context, a, b *process, length time.Duration) (ofA, ofB time.Duration, err error) {
	var before, after [2]time.Duration
	for _, times := range []*[2]time.Duration{&before, &after} {
		for i, p := range []*process{a, b} {
			if times[i], err = p.cpu(); err != nil {
				return 0, 0, err
			}
		}
		if times == &before {
			if err = pause(ctx, length); err != nil {
				return 0, 0, err
			}
		}
	}
	return after[0] - before[0], after[1] - before[1], nil
}

// startBlackbox starts the exporter, and asks it for as many probes as the manager makes.
func (w *world) startBlackbox(ctx context.Context, n int) (*process, error) {
	config, address := filepath.Join(w.dir, "blackbox.yaml"), ""
	if err := os.WriteFile(config, []byte("modules: {http_2xx: {prober: http, timeout: 5s}}\n"), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration of blackbox_exporter: %w", err)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	exporter, err := startProcess(filepath.Join(controlplane.Root(), "bin", "blackbox_exporter"),
		filepath.Join(w.dir, "blackbox.log"), nil, "--config.file="+config, "--web.listen-address="+address)
	if err != nil {
		return nil, fmt.Errorf("starting blackbox_exporter, which hack/blackbox.sh builds: %w", err)
	}
	w.cleanup(exporter.stop)
	if err := eventually(ctx, 50*time.Millisecond, func() (bool, error) {
		_, err := get(ctx, "http://"+address+"/-/healthy")
		return err == nil, nil
	}); err != nil {
		return nil, err
	}
	asking, stop := context.WithCancel(ctx)
	var asked sync.WaitGroup
	w.cleanup(func() { stop(); asked.Wait() })
	for i := range n {
		name := named("check", i)
		probe := "http://" + address + "/probe?module=http_2xx&target=" + url.QueryEscape(w.subject.noting("blackbox", name))
		schedule := health.ScheduleFor(types.UID(name), probeInterval)
		asked.Go(func() {
			for pause(asking, time.Until(schedule.After(time.Now()))) == nil {
				probeOnce(asking, scraper, probe)
			}
		})
	}
	return exporter, nil
}

// scraper keeps its connections, as Prometheus does.
var scraper = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: probeInterval}
