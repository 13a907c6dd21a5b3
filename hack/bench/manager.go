package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// manager is a running manager.
type manager struct {
	*process
	health, metrics, profiles string
}

var managersStarted atomic.Int64

// startManager starts a manager with the flags of a deployment, and waits until its caches are synced.
func (w *world) startManager(ctx context.Context, flags ...string) (*manager, error) {
	return w.startManagerOf(ctx, w.plane.Kubeconfig, nil, flags...)
}

// startManagerOf starts a manager that reaches the API server by another way, or with more in its environment.
func (w *world) startManagerOf(ctx context.Context, kubeconfig string, environment []string, flags ...string) (*manager, error) {
	m := &manager{}
	for _, address := range []*string{&m.health, &m.metrics, &m.profiles} {
		var err error
		if *address, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	log := filepath.Join(w.dir, fmt.Sprintf("manager-%d.log", managersStarted.Add(1)))
	if w.bench.profiles != "" { // without, it is measured as it is installed
		flags = append(flags, "--pprof-bind-address="+m.profiles)
	}
	var err error
	m.process, err = startProcess(w.bench.binary, log, environment, append([]string{
		"--kubeconfig=" + kubeconfig,
		"--probe-allow-cidrs=127.0.0.0/8",
		"--health-probe-bind-address=" + m.health,
		"--metrics-bind-address=" + m.metrics,
		"--metrics-secure=false",
	}, flags...)...)
	if err != nil {
		return nil, err
	}
	w.cleanup(m.stop)
	return m, m.waitReady(ctx)
}

func (m *manager) waitReady(ctx context.Context) error {
	return eventually(ctx, 50*time.Millisecond, func() (bool, error) {
		select {
		case <-m.ended:
			return false, m.failure()
		default:
		}
		content, err := get(ctx, "http://"+m.health+"/readyz")
		return err == nil && len(content) > 0, nil
	})
}

// writes is how many requests the manager has sent that may change something, its lease too if it has one.
func (m *manager) writes(ctx context.Context) (float64, error) {
	all, err := m.counter(ctx, "rest_client_requests_total", nil)
	if err != nil {
		return 0, err
	}
	reads, err := m.counter(ctx, "rest_client_requests_total", map[string]string{"method": "GET"})
	return all - reads, err
}

// counter is the sum of all series of a metric of the manager whose labels have all of these values.
func (m *manager) counter(ctx context.Context, name string, labels map[string]string) (float64, error) {
	content, err := get(ctx, "http://"+m.metrics+"/metrics")
	if err != nil {
		return 0, fmt.Errorf("scraping the manager: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(content)))
	if err != nil {
		return 0, fmt.Errorf("parsing the metrics: %w", err)
	}
	sum := 0.0
	for _, series := range families[name].GetMetric() {
		if hasLabels(series, labels) {
			sum += series.GetCounter().GetValue()
		}
	}
	return sum, nil
}

func hasLabels(series *dto.Metric, labels map[string]string) bool {
	matching := 0
	for _, pair := range series.GetLabel() {
		if wanted, asked := labels[pair.GetName()]; asked && wanted == pair.GetValue() {
			matching++
		}
	}
	return matching == len(labels)
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
