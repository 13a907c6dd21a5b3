package healthcheck

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/internal/status"
)

var certificateDesc = prometheus.NewDesc("aliascheck_certificate_not_after_timestamp_seconds",
	"When the first of the certificates that the last probe with TLS saw expires, in seconds since the epoch.",
	[]string{"namespace", "name"}, nil)

// CertificateCollector tells at every scrape when the certificates expire that the probes of this process saw. That is not in the
// status, because two servers behind one name would change it with each probe.
type CertificateCollector struct {
	cache client.Reader
	shard shard.Shard

	// mu guards seen. An entry is dropped when its check is deleted or edited, or leaves the shard.
	mu   sync.Mutex
	seen map[types.UID]seenCertificate
}

type seenCertificate struct {
	generation int64
	notAfter   time.Time
}

// NewCertificateCollector makes a collector that has seen nothing, for a shard's checks in a cache.
func NewCertificateCollector(cache client.Reader, shard shard.Shard) *CertificateCollector {
	return &CertificateCollector{cache: cache, shard: shard, seen: map[types.UID]seenCertificate{}}
}

// Saw notes what a probe of a check saw.
func (c *CertificateCollector) Saw(check *v1alpha1.HealthCheck, notAfter time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[check.UID] = seenCertificate{check.Generation, notAfter}
}

// Describe implements prometheus.Collector.
func (c *CertificateCollector) Describe(descs chan<- *prometheus.Desc) { descs <- certificateDesc }

// Collect implements prometheus.Collector.
func (c *CertificateCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), status.ScrapeTimeout)
	defer cancel()
	var checks v1alpha1.HealthCheckList
	if err := c.cache.List(ctx, &checks, client.UnsafeDisableDeepCopy); err != nil {
		logf.Log.WithName("metrics").Error(err, "Listing checks for a scrape")
		return
	}
	for _, certificate := range c.current(checks.Items) {
		metrics <- certificate
	}
}

// current returns the series of the checks that exist, and forgets entries that belong to no check.
func (c *CertificateCollector) current(checks []v1alpha1.HealthCheck) []prometheus.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := make(map[types.UID]seenCertificate, len(c.seen))
	var series []prometheus.Metric
	for i := range checks {
		check := &checks[i]
		seen, found := c.seen[check.UID]
		if !found || seen.generation != check.Generation || !c.shard.Has(check) {
			continue
		}
		kept[check.UID] = seen
		series = append(series, prometheus.MustNewConstMetric(certificateDesc, prometheus.GaugeValue,
			float64(seen.notAfter.Unix()), check.Namespace, check.Name))
	}
	c.seen = kept
	return series
}
