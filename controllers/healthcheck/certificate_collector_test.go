package healthcheck

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// listed is a cache that has these checks.
type listed struct {
	client.Reader
	checks []v1alpha1.HealthCheck
}

func (l *listed) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.HealthCheckList).Items = l.checks
	return nil
}

func TestTheEndOfACertificateIsCollectedForAsLongAsItsCheckIsThere(t *testing.T) {
	check := func(name string, generation int64) v1alpha1.HealthCheck {
		return v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name),
			Generation: generation}}
	}
	web, edited, gone := check("web", 1), check("edited", 1), check("gone", 1)
	cache := &listed{checks: []v1alpha1.HealthCheck{web, check("edited", 2), check("unseen", 1)}}
	collector := NewCertificateCollector(cache, "")
	for _, seen := range []*v1alpha1.HealthCheck{&web, &edited, &gone} {
		collector.Saw(seen, time.Unix(1_800_000_000, 0))
	}
	expected := `
# HELP aliascheck_certificate_not_after_timestamp_seconds When the first of the certificates that the last probe with TLS saw expires, in seconds since the epoch.
# TYPE aliascheck_certificate_not_after_timestamp_seconds gauge
aliascheck_certificate_not_after_timestamp_seconds{name="web",namespace="shop"} 1.8e+09
`
	if err := testutil.CollectAndCompare(collector, strings.NewReader(expected)); err != nil {
		t.Error(err)
	}
	if len(collector.seen) != 1 {
		t.Errorf("%d checks are remembered, want the one that is there and as it was", len(collector.seen))
	}
}
