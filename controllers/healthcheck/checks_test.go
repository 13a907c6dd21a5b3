package healthcheck

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func every(interval time.Duration) func(*v1alpha1.HealthCheck) {
	return func(h *v1alpha1.HealthCheck) { h.Spec.Interval = &metav1.Duration{Duration: interval} }
}
