package healthcheck

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/aliascheck/aliascheck/internal/health"
)

var (
	probeDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aliascheck_probe_duration_seconds",
		Help:    "How long probes took.",
		Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 60},
	}, []string{"type"})

	probesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aliascheck_probes_total",
		Help: "Probes that have ended, by their result: passed, warned or failed.",
	}, []string{"type", "result"})

	probeLateness = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "aliascheck_probe_lateness_seconds",
		Help:    "How long after its due time a probe began.",
		Buckets: []float64{.001, .005, .01, .05, .1, .25, .5, 1, 5, 10, 60},
	})
)

func init() { metrics.Registry.MustRegister(probeDuration, probesTotal, probeLateness) }

func countProbe(kind string, o health.Outcome, took time.Duration) {
	probeDuration.WithLabelValues(kind).Observe(took.Seconds())
	probesTotal.WithLabelValues(kind, o.String()).Inc()
}
