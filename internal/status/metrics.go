package status

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var statusWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "aliascheck_status_writes_total",
	Help: "Writes of a status, by their result: ok, conflict, canceled or error.",
}, []string{"kind", "result"})

func init() {
	metrics.Registry.MustRegister(statusWrites)
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

// CountWrite counts a write of a status, or of the conditions of a pod, by what became of it.
func CountWrite(object client.Object, err error) {
	statusWrites.WithLabelValues(kindOf(object), resultOf(err)).Inc()
}

// resultOf distinguishes a write that failed from one that was rightly dropped: the object has changed or was deleted since it
// was read, or the manager stops.
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
