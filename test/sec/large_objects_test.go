package sec

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

// growth is how much the peak of the manager's memory grows while something is done.
func growth(t *testing.T, manager *blackbox.Manager, what func()) int64 {
	t.Helper()
	before, err := manager.PeakMemory()
	if err != nil {
		t.Fatal(err)
	}
	what()
	after, err := manager.PeakMemory()
	if err != nil {
		t.Fatal(err)
	}
	return after - before
}

// Kubernetes limits the size of an object, and not the number of its labels. An index with an entry for each took 2.5 KiB
// for each label, in both replicas, and again after a restart: ten checks of 30,000 labels were the limit. (So many make
// the API server itself too slow for a test.)
func TestChecksWithThousandsOfLabelsCostWhatTheyAreLarge(t *testing.T) {
	g := NewWithT(t)
	manager, quiet, noisy := besideANeighbour(t)
	const checks = 10
	grown := growth(t, manager, func() {
		for i := range checks {
			check := &v1alpha1.HealthCheck{
				ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: fmt.Sprintf("labelled-%d", i), Labels: manyLabels(i)},
				Spec:       v1alpha1.HealthCheckSpec{Suspend: true, HTTP: &v1alpha1.HTTPProbe{URL: "http://web"}},
			}
			create(t, check)
			g.Eventually(metricsOf(t, manager), patience).Should(ContainSubstring(`name="` + check.Name + `"`))
		}
	})
	g.Expect(mebibytes(grown)).To(BeNumerically("<", checks*5), "MiB for %d checks of 4,000 labels", checks)
	quiet.noticesNothing()
}

func manyLabels(of int) map[string]string {
	labels := map[string]string{}
	for i := range 4_000 {
		labels[fmt.Sprintf("%c%05d", 'a'+of, i)] = ""
	}
	return labels
}

// The number of readiness gates is not limited either. To find the aliases of 30,000 took seconds each time, under the
// lock of the cache, and nobody's gate followed.
func TestPodsWithTensOfThousandsOfGatesDelayNobodysGate(t *testing.T) {
	g := NewWithT(t)
	_, quiet, noisy := besideANeighbour(t)
	for i := range 3 {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: fmt.Sprintf("gated-%d", i)},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
		}
		for j := range 30_000 {
			pod.Spec.ReadinessGates = append(pod.Spec.ReadinessGates,
				corev1.PodReadinessGate{ConditionType: corev1.PodConditionType(fmt.Sprintf("health.aliascheck.dev/%05d", j))})
		}
		create(t, pod)
		g.Eventually(live(t, pod), patience).Should(HaveField("Status.Conditions", HaveLen(64)))
	}
	quiet.noticesNothing()
}

// Jobs are found by a label that anybody may set, and each may be more than a megabyte.
func TestJobsOfOthersThatHaveTheLabelOfACheckAreNotAllRead(t *testing.T) {
	g := NewWithT(t)
	manager := started(t)
	noisy := newNamespace(t, "noisy")
	const jobs = 40
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "smoke", Image: "smoke:1"}},
	}}
	create(t, &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: "smoke"}, Spec: batchv1.CronJobSpec{
		Schedule: "@yearly", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}},
	}})
	large := template.DeepCopy()
	large.Spec.Containers[0].Args = []string{strings.Repeat("x", 1_300_000)}
	for i := range jobs {
		create(t, &batchv1.Job{
			ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: fmt.Sprintf("large-%d", i),
				Labels: map[string]string{"health.aliascheck.dev/check": "smoke"}},
			Spec: batchv1.JobSpec{Suspend: new(true), Template: *large},
		})
	}
	check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: "smoke"},
		Spec: v1alpha1.HealthCheckSpec{Interval: every(10 * time.Second), FailureThreshold: 1,
			Job: &v1alpha1.JobProbe{CronJobRef: v1alpha1.CronJobReference{Name: "smoke"}}}}
	grown := growth(t, manager, func() {
		create(t, check)
		g.Eventually(live(t, check), patience).Should(HaveField("Status.Message", ContainSubstring("more than 8 Jobs")))
	})
	g.Expect(mebibytes(grown)).To(BeNumerically("<", jobs*2), "MiB for %d Jobs of 1.3 MB", jobs)
}
