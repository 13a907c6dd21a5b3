package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
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

	aliasConvergence = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "aliascheck_alias_convergence_seconds",
		Help:    "From the transition of a target, which is known to the second, to the alias's write.",
		Buckets: []float64{.5, 1, 1.5, 2, 5, 10, 30, 60, 65, 120},
	})

	statusWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aliascheck_status_writes_total",
		Help: "Writes of a status, by their result: ok, conflict, canceled or error.",
	}, []string{"kind", "result"})
)

func init() {
	metrics.Registry.MustRegister(probeDuration, probesTotal, probeLateness, aliasConvergence, statusWrites)
	for _, kind := range []string{"HealthCheck", "AliasCheck", "Pod"} {
		for _, result := range []string{writeOK, writeConflict, writeCanceled, writeFailed} {
			statusWrites.WithLabelValues(kind, result) // a counter that is there from the start can be alerted on
		}
	}
}

// The results of a write, as aliascheck_status_writes_total has them.
const (
	writeOK       = "ok"
	writeConflict = "conflict"
	writeCanceled = "canceled"
	writeFailed   = "error"
)

func countProbe(kind string, o health.Outcome, took time.Duration) {
	probeDuration.WithLabelValues(kind).Observe(took.Seconds())
	probesTotal.WithLabelValues(kind, o.String()).Inc()
}

func countWrite(object client.Object, err error) {
	statusWrites.WithLabelValues(kindOf(object), resultOf(err)).Inc()
}

// resultOf tells a write that failed from those that were rightly thrown away: the object has changed or gone since
// it was read, or the manager stops.
func resultOf(err error) string {
	switch {
	case err == nil:
		return writeOK
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return writeConflict
	case errors.Is(err, context.Canceled):
		return writeCanceled
	default:
		return writeFailed
	}
}

func kindOf(object client.Object) string {
	switch object.(type) {
	case *v1alpha1.AliasCheck:
		return "AliasCheck"
	case *corev1.Pod:
		return "Pod"
	default:
		return "HealthCheck"
	}
}
