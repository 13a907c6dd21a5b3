package aliascheck

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var aliasConvergence = prometheus.NewHistogram(prometheus.HistogramOpts{
	Name:    "aliascheck_alias_convergence_seconds",
	Help:    "From the transition of a target, which is known to the second, to the alias's write.",
	Buckets: []float64{.5, 1, 1.5, 2, 5, 10, 30, 60, 65, 120},
})

func init() { metrics.Registry.MustRegister(aliasConvergence) }
