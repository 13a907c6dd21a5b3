package sweep_test

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

func TestAKindThatCanNeitherBeListedNorWatchedFailsUntilItCan(t *testing.T) {
	r := newRig(t, cache.Options{})
	r.watch(configMap())
	r.watch(healthCheck())
	configMaps := corev1.SchemeGroupVersion.WithKind("ConfigMap")
	since := func() time.Time { return r.sweeper.FailingSince(configMaps, r.namespace) }
	r.Eventually(since).Should(BeZero())

	began := time.Now()
	r.proxy.Set(proxy.Faults{Answers: []proxy.Answer{{Status: http.StatusInternalServerError, Resource: "configmaps"}}})
	r.proxy.Cut()
	r.Eventually(since).ShouldNot(BeZero())
	first := since()
	r.Expect(first).To(BeTemporally(">=", began))
	failed := r.traffic.sweepCount()
	r.Eventually(r.traffic.sweepCount).Should(BeNumerically(">=", failed+4))
	r.Expect(since()).To(Equal(first), "later failures do not begin it again")
	r.Eventually(func() time.Time {
		return r.sweeper.FailingSince(v1alpha1.GroupVersion.WithKind("HealthCheck"), r.namespace)
	}).Should(BeZero(), "another kind")
	r.Expect(r.sweeper.FailingSince(corev1.SchemeGroupVersion.WithKind("Secret"), r.namespace)).
		To(BeZero(), "a kind that is not swept")

	r.proxy.Set(proxy.Faults{})
	r.Eventually(since).Should(BeZero())
}
