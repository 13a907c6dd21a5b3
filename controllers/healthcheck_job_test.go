package controllers_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
	"github.com/aliascheck/aliascheck/internal/jobs"
	"github.com/aliascheck/aliascheck/internal/probe"
)

var _ = Describe("A HealthCheck by Job", func() {
	const interval = 10 * time.Second

	runJobs := func(namespace string) runningManager {
		GinkgoHelper()
		return startHealthChecks(namespace, func(r *healthcheck.Reconciler) {
			r.Prober = probe.New(probe.Options{Jobs: jobs.New(api)})
			r.Resync = time.Second // a new process looks within this
		})
	}

	It("has one Job per interval over a restart, and none of them counts twice (I6)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		newCronJob(ctx, namespace, "smoke")
		first := runJobs(namespace)
		check := newHealthCheck(ctx, namespace, "smoke", byJob("smoke"), every(interval), failing(0, 3),
			func(h *v1alpha1.HealthCheck) { h.Spec.InitialState = v1alpha1.StatePassing })
		Eventually(jobsOf(ctx, namespace)).Should(HaveLen(1))
		fail(ctx, &jobsOf(ctx, namespace)(Default)[0])
		Eventually(failuresOf(ctx, check)).Should(BeEquivalentTo(1))
		first.stop()

		runJobs(namespace)
		Eventually(jobsOf(ctx, namespace)).WithTimeout(time.Minute).Should(HaveLen(2))
		Expect(failuresOf(ctx, check)(Default)).To(BeEquivalentTo(1))
		both := jobsOf(ctx, namespace)(Default)
		Expect(both[1].CreationTimestamp.Sub(both[0].CreationTimestamp.Time)).To(BeNumerically(">=", interval))
	})

	It("is judged after a restart by the Job that ended meanwhile, where nothing is known yet", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		newCronJob(ctx, namespace, "smoke")
		first := runJobs(namespace)
		check := newHealthCheck(ctx, namespace, "smoke", byJob("smoke"), every(time.Hour), within(time.Minute))
		Eventually(jobsOf(ctx, namespace)).Should(HaveLen(1))
		first.stop()
		fail(ctx, &jobsOf(ctx, namespace)(Default)[0])

		runJobs(namespace)
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonProbeFailed))
		Expect(jobsOf(ctx, namespace)(Default)).To(HaveLen(1))
	})
})

func byJob(cronJob string) func(*v1alpha1.HealthCheck) {
	return func(h *v1alpha1.HealthCheck) {
		h.Spec.TCP = nil
		h.Spec.Job = &v1alpha1.JobProbe{CronJobRef: v1alpha1.CronJobReference{Name: cronJob}}
	}
}

func newCronJob(ctx context.Context, namespace, name string) {
	GinkgoHelper()
	cronJob := &batchv1.CronJob{ObjectMeta: named(namespace, name)}
	cronJob.Spec.Schedule, cronJob.Spec.Suspend = "@yearly", new(true)
	cronJob.Spec.JobTemplate.Spec.Template.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "smoke", Image: "smoke:1"}},
	}
	Expect(api.Create(ctx, cronJob)).To(Succeed())
}

// jobsOf are the Jobs of a namespace, in the order in which they were created.
func jobsOf(ctx context.Context, namespace string) func(Gomega) []batchv1.Job {
	return func(g Gomega) []batchv1.Job {
		var list batchv1.JobList
		g.Expect(api.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
		return slices.SortedFunc(slices.Values(list.Items), func(a, b batchv1.Job) int {
			return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
		})
	}
}

// fail ends a Job as the Job controller, which does not run here, does when its pod has failed.
func fail(ctx context.Context, job *batchv1.Job) {
	GinkgoHelper()
	now := metav1.Now()
	job.Status.StartTime, job.Status.Failed = &now, 1
	for _, kind := range []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobFailed} {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: batchv1.JobReasonBackoffLimitExceeded,
			LastProbeTime: now, LastTransitionTime: now,
		})
	}
	Expect(api.Status().Update(ctx, job)).To(Succeed())
}
