package status

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

var (
	stateDesc = prometheus.NewDesc("aliascheck_state",
		"1 for the state that a check has now; there is no series for the others.",
		[]string{"kind", "namespace", "name", "state"}, nil)

	lastTransitionDesc = prometheus.NewDesc("aliascheck_last_transition_timestamp_seconds",
		"When the state of a check changed last, in seconds since the epoch.",
		[]string{"kind", "namespace", "name"}, nil)

	suspendedDesc = prometheus.NewDesc("aliascheck_suspended",
		"1 for a check that is Unknown on purpose: it is suspended, or mirrors one that is.",
		[]string{"kind", "namespace", "name"}, nil)
)

// ScrapeTimeout ends a scrape while a cache has not synced yet: it would block this one, and every one after it.
const ScrapeTimeout = 5 * time.Second

// StateCollector collects the states of all checks from the cache at every scrape: no series outlives its object.
type StateCollector struct {
	Cache client.Reader
}

// Describe implements prometheus.Collector.
func (c *StateCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- stateDesc
	descs <- lastTransitionDesc
	descs <- suspendedDesc
}

// Collect implements prometheus.Collector.
func (c *StateCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), ScrapeTimeout)
	defer cancel()
	var healthChecks v1alpha1.HealthCheckList
	var aliasChecks v1alpha1.AliasCheckList
	for _, list := range []client.ObjectList{&healthChecks, &aliasChecks} {
		if err := c.Cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			logf.Log.WithName("metrics").Error(err, "Listing checks for a scrape")
		}
	}
	for i := range healthChecks.Items {
		collectState(metrics, &healthChecks.Items[i])
	}
	for i := range aliasChecks.Items {
		collectState(metrics, &aliasChecks.Items[i])
	}
}

func collectState(metrics chan<- prometheus.Metric, check v1alpha1.Check) {
	status, kind := check.CommonStatus(), kindOf(check)
	metrics <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1,
		kind, check.GetNamespace(), check.GetName(), string(health.Known(status.State)))
	if status.LastTransitionTime != nil {
		metrics <- prometheus.MustNewConstMetric(lastTransitionDesc, prometheus.GaugeValue,
			float64(status.LastTransitionTime.Unix()), kind, check.GetNamespace(), check.GetName())
	}
	if status.Reason == v1alpha1.ReasonSuspended {
		metrics <- prometheus.MustNewConstMetric(suspendedDesc, prometheus.GaugeValue, 1,
			kind, check.GetNamespace(), check.GetName())
	}
}
