package status

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/shard"
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

	shardChecksDesc = prometheus.NewDesc("aliascheck_shard_checks",
		"How many checks belong to a shard, whether it has a manager or not. There is no series for those without a shard.",
		[]string{"shard"}, nil)

	readyDesc = prometheus.NewDesc("aliascheck_ready",
		"1 for a check that is Passing or Warning, otherwise 0.",
		[]string{"kind", "namespace", "name"}, nil)
)

// labelsName is the metric with the labels of checks that --metric-labels-allowlist allows. It has one series a check, so that
// no label multiplies the series of the others.
const labelsName = "aliascheck_labels"

// ScrapeTimeout ends a scrape while a cache has not synced yet: it would block this one, and every one after it.
const ScrapeTimeout = 5 * time.Second

// StateCollector collects the states of all checks from the cache at every scrape: no series outlives its object.
type StateCollector struct {
	cache  client.Reader
	shard  shard.Shard
	labels LabelAllowlist
	keys   []string
	// labelsDesc is nil where no labels are allowed.
	labelsDesc *prometheus.Desc
}

// NewStateCollector makes a collector of a shard's checks in a cache, with those of their labels that are allowed.
func NewStateCollector(cache client.Reader, shard shard.Shard, labels LabelAllowlist) *StateCollector {
	c := &StateCollector{cache: cache, shard: shard, labels: labels, keys: labels.keys()}
	if len(c.keys) > 0 {
		c.labelsDesc = prometheus.NewDesc(labelsName, "1, with the labels of a check that --metric-labels-allowlist allows.",
			append([]string{"kind", "namespace", "name"}, metricLabels(c.keys)...), nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *StateCollector) Describe(descs chan<- *prometheus.Desc) {
	if c.labelsDesc != nil {
		descs <- c.labelsDesc
	}
	descs <- readyDesc
	descs <- stateDesc
	descs <- lastTransitionDesc
	descs <- suspendedDesc
	descs <- shardChecksDesc
}

// Collect implements prometheus.Collector.
func (c *StateCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), ScrapeTimeout)
	defer cancel()
	var healthChecks v1alpha1.HealthCheckList
	var aliasChecks v1alpha1.AliasCheckList
	for _, list := range []client.ObjectList{&healthChecks, &aliasChecks} {
		if err := c.cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			logf.Log.WithName("metrics").Error(err, "Listing checks for a scrape")
		}
	}
	checks := make([]v1alpha1.Check, 0, len(healthChecks.Items)+len(aliasChecks.Items))
	for i := range healthChecks.Items {
		checks = append(checks, &healthChecks.Items[i])
	}
	for i := range aliasChecks.Items {
		checks = append(checks, &aliasChecks.Items[i])
	}
	shards := map[shard.Shard]int{}
	for _, check := range checks {
		if of := shard.Of(check); of != "" {
			shards[of]++
		}
		if c.shard.Has(check) { // others have the series of the others
			c.collect(metrics, check)
		}
	}
	for of, count := range shards {
		metrics <- prometheus.MustNewConstMetric(shardChecksDesc, prometheus.GaugeValue, float64(count), string(of))
	}
}

func (c *StateCollector) collect(metrics chan<- prometheus.Metric, check v1alpha1.Check) {
	status, kind := check.CommonStatus(), kindOf(check)
	gauge := func(desc *prometheus.Desc, value float64, more ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value,
			append([]string{kind, check.GetNamespace(), check.GetName()}, more...)...)
	}
	state := health.Known(status.State)
	gauge(stateDesc, 1, string(state))
	gauge(readyDesc, oneIf(state == v1alpha1.StatePassing || state == v1alpha1.StateWarning))
	if status.LastTransitionTime != nil {
		gauge(lastTransitionDesc, float64(status.LastTransitionTime.Unix()))
	}
	if status.Reason == v1alpha1.ReasonSuspended {
		gauge(suspendedDesc, 1)
	}
	if c.labelsDesc != nil {
		gauge(c.labelsDesc, 1, c.labels.values(kind, check, c.keys)...)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
