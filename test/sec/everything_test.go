//go:build soak

package sec

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// limit is that of the installed container.
const limit = 512 << 20

// soakFor is how long all of it goes on; AC_SOAK=1h sets it. Without it the neighbour looks once.
func soakFor(t *testing.T) time.Duration {
	t.Helper()
	given := os.Getenv("AC_SOAK")
	if given == "" {
		return 0
	}
	duration, err := time.ParseDuration(given)
	if err != nil {
		t.Fatalf("AC_SOAK must be a duration, such as 1h: %v", err)
	}
	return duration
}

// Everything that this package tries, at once.
func TestAllThatATenantCanDoTogetherStaysBelowTheInstalledMemoryAndDelaysNobody(t *testing.T) {
	g := NewWithT(t)
	manager := started(t)
	quiet := newNeighbour(t, manager)
	makeNoise(t, newNamespace(t, "noisy"))
	var told time.Duration
	for began, round := time.Now(), 0; round == 0 || time.Since(began) < soakFor(t); round++ {
		quiet.noticesNothing()
		peak, err := manager.PeakMemory()
		g.Expect(err).NotTo(HaveOccurred())
		// What grows would be seen long before it reaches the limit.
		if gone := time.Since(began).Truncate(5 * time.Minute); gone > told {
			told = gone
			t.Logf("after %s the manager had %d MiB at its peak", gone, mebibytes(peak))
		}
		g.Expect(peak).To(BeNumerically("<", int64(limit)), "bytes in round %d", round)
		files, err := manager.OpenFiles()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(files).To(BeNumerically("<", 500), "open files in round %d", round)
	}
	peak, err := manager.PeakMemory()
	g.Expect(err).NotTo(HaveOccurred())
	t.Logf("the manager had %d MiB at its peak", mebibytes(peak))
}

func makeNoise(t *testing.T, namespace string) {
	t.Helper()
	address, _ := neverReads(t)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(func() {
		hanging.CloseClientConnections()
		hanging.Close()
	})
	large := strings.Repeat("x", 1_000_000)
	create(t, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "worker"},
		Spec: coordinationv1.LeaseSpec{RenewTime: new(metav1.NowMicro()), HolderIdentity: &large}})
	value := strings.Repeat("x", 4096)
	for i := range 5 {
		labelled := probing(namespace, fmt.Sprintf("labelled-%d", i), "http://web")
		labelled.Labels, labelled.Spec.Suspend = manyLabels(i), true
		labelled.Annotations = map[string]string{"note": strings.Repeat("x", 100_000)}
		create(t, labelled)
		job := job(namespace, fmt.Sprintf("large-%d", i), nil)
		job.Labels = map[string]string{"health.aliascheck.dev/check": "smoke"}
		job.Spec.Template.Spec.Containers[0].Args = []string{large}
		create(t, job)
		unread := probing(namespace, fmt.Sprintf("unread-%d", i), "https://"+address)
		unread.Spec.HTTP.TLS = &v1alpha1.TLSConfig{InsecureSkipVerify: true}
		for range 32 {
			unread.Spec.HTTP.Headers = append(unread.Spec.HTTP.Headers, v1alpha1.HTTPHeader{Name: "X-Probe", Value: &value})
		}
		create(t, unread)
	}
	gated := gatedPod(namespace, "db")
	for i := range 10_000 {
		gated.Spec.ReadinessGates = append(gated.Spec.ReadinessGates,
			corev1.PodReadinessGate{ConditionType: corev1.PodConditionType(fmt.Sprintf("health.aliascheck.dev/%05d", i))})
	}
	create(t, gated)
	create(t, &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "smoke"}, Spec: batchv1.CronJobSpec{
		Schedule: "@yearly", JobTemplate: batchv1.JobTemplateSpec{Spec: job(namespace, "smoke", nil).Spec}}})
	create(t, &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "smoke"},
		Spec: v1alpha1.HealthCheckSpec{Interval: every(10 * time.Second),
			Job: &v1alpha1.JobProbe{CronJobRef: v1alpha1.CronJobReference{Name: "smoke"}}}})
	for i := range 50 {
		create(t, flapping(t, namespace, fmt.Sprintf("flaps-%02d", i)))
		slow := probing(namespace, fmt.Sprintf("hangs-%02d", i), hanging.URL)
		slow.Spec.Interval, slow.Spec.Timeout = every(time.Minute), every(time.Minute)
		create(t, slow)
		beats := probing(namespace, fmt.Sprintf("beats-%02d", i), "")
		beats.Spec.HTTP, beats.Spec.Heartbeat = nil, &v1alpha1.HeartbeatProbe{LeaseName: "worker", TTL: every(time.Hour)}
		create(t, beats)
		create(t, aliasOf(namespace, fmt.Sprintf("follows-%02d", i), "flaps-00"))
		selects := aliasOf(namespace, fmt.Sprintf("selects-%02d", i), "")
		selects.Spec = v1alpha1.AliasCheckSpec{Selector: &v1alpha1.Selector{}}
		create(t, selects)
	}
	toggling(t, namespace)
}

// toggling is an alias that goes from one kind to another and back.
func toggling(t *testing.T, namespace string) {
	t.Helper()
	alias := aliasOf(namespace, "toggles", "flaps-00")
	create(t, alias)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for kinds, i := []string{"apps/v1 Deployment", "v1 Pod"}, 0; ; i++ {
			apiVersion, kind, _ := strings.Cut(kinds[i%2], " ")
			patch := fmt.Sprintf(`{"spec": {"targetRef": {"apiVersion": %q, "kind": %q, "name": "web"}}}`, apiVersion, kind)
			_ = api.Patch(ctx, alias.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)))
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
}
