package healthcheck

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var lastProbeDesc = prometheus.NewDesc("aliascheck_last_probe_timestamp_seconds",
	"When the last probe of a check by this process ended, in seconds since the epoch.",
	[]string{"namespace", "name"}, nil)

// lastProbes tells at every scrape when this process probed each check last. The status has the time of the probe behind its
// last write, for a time that grows with each probe would be written with each.
type lastProbes struct{ ledgers *ledgers }

// LastProbes collects the times of the last probes. It is called after SetupWithManager.
func (r *Reconciler) LastProbes() prometheus.Collector { return lastProbes{r.ledgers} }

// Describe implements prometheus.Collector.
func (c lastProbes) Describe(descs chan<- *prometheus.Desc) { descs <- lastProbeDesc }

// Collect implements prometheus.Collector.
func (c lastProbes) Collect(metrics chan<- prometheus.Metric) {
	for _, e := range c.ledgers.all() {
		if at := e.lastProbed(); !at.IsZero() {
			metrics <- prometheus.MustNewConstMetric(lastProbeDesc, prometheus.GaugeValue,
				float64(at.UnixMilli())/1000, e.key.Namespace, e.key.Name)
		}
	}
}

func (l *ledgers) all() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.byName))
}

func (e *entry) probed(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.probedAt = at
}

func (e *entry) lastProbed() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.probedAt
}
