package jobs_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/jobs"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// probing probes as a manager that was just started does.
func probing(ctx context.Context, check *v1alpha1.HealthCheck) <-chan probe.Result {
	results := make(chan probe.Result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, check.Spec.ProbeTimeout())
		defer cancel()
		results <- probe.New(probe.Options{Jobs: jobs.New(live)}).Probe(ctx, check)
	}()
	return results
}

func (s *shop) expect(results <-chan probe.Result, outcome health.Outcome, message types.GomegaMatcher) {
	s.t.Helper()
	var result probe.Result
	s.Eventually(results, patience+time.Minute).Should(Receive(&result))
	s.Expect(result.Outcome).To(Equal(outcome), result.Message)
	s.Expect(result.Message).To(message)
}

func TestTheExitCodeIsTheResult(t *testing.T) {
	for _, row := range []struct {
		code    int32
		reason  string
		outcome health.Outcome
		message string
	}{
		{0, "Completed", health.Passed, "Job of CronJob e2e-smoke: exit code 0"},
		{1, "Error", health.Failed, "Job of CronJob e2e-smoke: container smoke: exit code 1"},
		{75, "Error", health.Warned, "Job of CronJob e2e-smoke: container smoke: exit code 75"},
		{2, "Error", health.Failed, "Job of CronJob e2e-smoke: container smoke: exit code 2"},
		{137, "OOMKilled", health.Failed, "Job of CronJob e2e-smoke: container smoke: exit code 137 (OOMKilled)"},
	} {
		t.Run(strconv.Itoa(int(row.code)), func(t *testing.T) {
			s := newShop(t)
			results := probing(t.Context(), s.check(time.Minute))
			s.ends(s.pod(), row.code, row.reason)
			s.expect(results, row.outcome, Equal(row.message))
		})
	}
}

func TestTheJobRunsOnePodOnceAndBelongsToTheCheck(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	results := probing(t.Context(), check)
	pod := s.pod()
	job := s.jobs()[0]
	s.Expect(job.Spec.Parallelism).To(HaveValue(BeEquivalentTo(1)))
	s.Expect(job.Spec.Completions).To(HaveValue(BeEquivalentTo(1)))
	s.Expect(job.Spec.BackoffLimit).To(HaveValue(BeEquivalentTo(0)))
	s.Expect(job.Spec.ActiveDeadlineSeconds).To(HaveValue(BeEquivalentTo(65)))
	s.Expect(job.Spec.TTLSecondsAfterFinished).To(BeNil())
	s.Expect(job.Spec.Template.Spec.RestartPolicy).To(Equal(corev1.RestartPolicyNever))
	s.Expect(job.Labels).To(And(
		HaveKeyWithValue("team", "shop"),
		HaveKeyWithValue("health.aliascheck.dev/check", "smoke"),
		HaveKeyWithValue("health.aliascheck.dev/check-uid", string(check.UID)),
		HaveKeyWithValue("health.aliascheck.dev/check-generation", "1")))
	s.Expect(metav1.IsControlledBy(&job, check)).To(BeTrue())
	s.Expect(job.OwnerReferences[0].BlockOwnerDeletion).To(HaveValue(BeFalse()))
	s.ends(pod, 0, "Completed")
	s.expect(results, health.Passed, Equal("Job of CronJob e2e-smoke: exit code 0"))
}

func TestDeletingTheCheckCollectsItsJobs(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	results := probing(t.Context(), check)
	s.pod()
	s.Expect(live.Delete(t.Context(), check)).To(Succeed())
	s.Eventually(s.jobs, patience).Should(BeEmpty())
	s.expect(results, health.Failed, Equal("Job of CronJob e2e-smoke: it was deleted before it ended"))
}

func TestAMissingCronJobFails(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	check.Spec.Job.CronJobRef.Name = "absent"
	s.expect(probing(t.Context(), check), health.Failed, Equal("Job of CronJob absent: the CronJob does not exist"))
}

func TestARefusedCreationTellsWhatRefusedIt(t *testing.T) {
	s := newShop(t)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "no-jobs"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/jobs.batch": resource.MustParse("0")}},
	}
	s.Expect(live.Create(t.Context(), quota)).To(Succeed())
	s.Eventually(func(g Gomega) {
		g.Expect(live.Get(t.Context(), client.ObjectKeyFromObject(quota), quota)).To(Succeed())
		g.Expect(quota.Status.Hard).NotTo(BeEmpty())
	}, patience).Should(Succeed())
	s.expect(probing(t.Context(), s.check(time.Minute)), health.Failed,
		Equal("Job of CronJob e2e-smoke: the API server refused to create it: exceeded quota no-jobs for count/jobs.batch"))
	s.Expect(s.jobs()).To(BeEmpty())
}

func TestAJobThatOutlivesTheTimeoutIsDeletedAndSaysWhatItsPodWaitsFor(t *testing.T) {
	s := newShop(t)
	results := probing(t.Context(), s.check(5*time.Second))
	s.changes(s.pod(), func(status *corev1.PodStatus) {
		status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "smoke", Image: "smoke:1",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}},
		}}
	})
	s.expect(results, health.Failed,
		Equal("Job of CronJob e2e-smoke: not finished after 5s; its pod waits: ImagePullBackOff"))
	s.Eventually(s.jobs, patience).Should(BeEmpty())
}

func TestAJobThatOneContainerKeepsAliveSaysWhichItIs(t *testing.T) {
	s := newShop(t)
	results := probing(t.Context(), s.check(2*time.Second))
	s.changes(s.pod(), func(status *corev1.PodStatus) {
		status.Phase = corev1.PodRunning
		status.ContainerStatuses = []corev1.ContainerStatus{
			{Name: "smoke", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"}}},
			{Name: "proxy", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
		}
	})
	s.expect(results, health.Failed,
		Equal("Job of CronJob e2e-smoke: not finished after 2s; still running: container proxy"))
}

func TestANewManagerAdoptsTheJobThatStillRuns(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	interrupted := probing(ctx, check)
	pod := s.pod()
	stop()
	s.expect(interrupted, health.Failed, Equal("Job of CronJob e2e-smoke: interrupted"))
	s.Expect(s.jobs()).To(HaveLen(1))
	first := s.jobs()[0].UID

	results := probing(t.Context(), check)
	s.Consistently(results, time.Second).ShouldNot(Receive())
	s.ends(pod, 2, "Error")
	s.expect(results, health.Failed, Equal("Job of CronJob e2e-smoke: container smoke: exit code 2"))
	s.Expect(s.jobs()).To(ConsistOf(HaveField("UID", first)))
}

func TestI2TwoManagersThatBothProbeShareOneJob(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	one, other := probing(t.Context(), check), probing(t.Context(), check)
	pod := s.pod()
	s.Consistently(s.jobs, time.Second).Should(HaveLen(1))
	s.Expect(one).NotTo(Receive())
	s.Expect(other).NotTo(Receive())
	s.ends(pod, 0, "Completed")
	s.expect(one, health.Passed, Equal("Job of CronJob e2e-smoke: exit code 0"))
	s.expect(other, health.Passed, Equal("Job of CronJob e2e-smoke: exit code 0"))
}

func TestI3AJobOfAnOlderSpecNeverDecidesAndIsDeleted(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	interrupted := probing(ctx, check)
	old := s.pod()
	stop()
	s.expect(interrupted, health.Failed, Equal("Job of CronJob e2e-smoke: interrupted"))

	check.Spec.FailureThreshold = 5
	s.Expect(live.Update(t.Context(), check)).To(Succeed())
	s.Expect(check.Generation).To(BeEquivalentTo(2))
	results := probing(t.Context(), check)
	s.Eventually(func() error { return live.Get(t.Context(), client.ObjectKeyFromObject(old), old) },
		patience).ShouldNot(Succeed())
	s.ends(s.pod(), 0, "Completed")
	s.expect(results, health.Passed, Equal("Job of CronJob e2e-smoke: exit code 0"))
	s.Expect(s.jobs()).To(ConsistOf(HaveField("Labels", HaveKeyWithValue("health.aliascheck.dev/check-generation", "2"))))
}

func TestI3AJobOfADeletedCheckOfTheSameNameNeverDecides(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	interrupted := probing(ctx, check)
	s.pod()
	stop()
	s.expect(interrupted, health.Failed, Equal("Job of CronJob e2e-smoke: interrupted"))
	old := s.jobs()[0].UID

	s.Expect(live.Delete(t.Context(), check)).To(Succeed())
	again := s.check(time.Minute)
	results := probing(t.Context(), again)
	s.Eventually(s.jobs, patience).Should(ConsistOf(HaveField("UID", Not(Equal(old)))))
	s.ends(s.podOf(s.jobs()[0].UID), 75, "Error")
	s.expect(results, health.Warned, Equal("Job of CronJob e2e-smoke: container smoke: exit code 75"))
}

func TestTheHistoryIsTheLastSuccessAndTheLastFailure(t *testing.T) {
	s := newShop(t)
	check := s.check(time.Minute)
	for _, code := range []int32{0, 2, 0, 3, 3} {
		results := probing(t.Context(), check)
		s.ends(s.pod(), code, "")
		s.Eventually(results, patience).Should(Receive())
	}
	s.Eventually(s.jobs, patience).Should(ConsistOf(
		HaveField("Status.Succeeded", BeEquivalentTo(1)), HaveField("Status.Failed", BeEquivalentTo(1))))
}

func TestAJobOfSomeoneElseIsLeftAlone(t *testing.T) {
	s := newShop(t)
	foreign := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "foreign",
			Labels: map[string]string{"health.aliascheck.dev/check": "smoke"}},
		Spec: s.cronJob().Spec.JobTemplate.Spec,
	}
	foreign.Spec.Template.Labels = nil
	s.Expect(live.Create(t.Context(), foreign)).To(Succeed())
	results := probing(t.Context(), s.check(time.Minute))
	s.ends(s.pod(), 0, "Completed")
	s.expect(results, health.Passed, Equal("Job of CronJob e2e-smoke: exit code 0"))
	s.Expect(live.Get(t.Context(), client.ObjectKeyFromObject(foreign), foreign)).To(Succeed())
	s.Expect(foreign.DeletionTimestamp).To(BeNil())
}

func TestMoreJobsThanACheckNeedsAreNotRead(t *testing.T) {
	s := newShop(t)
	for i := range 9 {
		s.labelled(fmt.Sprintf("foreign-%d", i), nil)
	}
	s.expect(probing(t.Context(), s.check(time.Minute)), health.Failed, Equal("Job of CronJob e2e-smoke: "+
		"more than 8 Jobs have the label health.aliascheck.dev/check=smoke: delete those that are not needed"))
}

func TestLittleIsKeptOfALargeJob(t *testing.T) {
	s := newShop(t)
	s.labelled("large", func(job *batchv1.Job) {
		job.Spec.Template.Spec.Containers[0].Args = []string{strings.Repeat("x", 1_000_000)}
		job.Annotations = map[string]string{"a": strings.Repeat("x", 200_000)}
		job.Labels["b"] = "c"
	})
	kept, _, err := jobs.New(live).JobsOf(t.Context(), s.namespace, map[string]string{"health.aliascheck.dev/check": "smoke"})
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(kept).To(HaveLen(1))
	s.Expect(kept[0].Size()).To(BeNumerically("<", 1000), "bytes")
}

// labelled is a suspended Job that somebody has given the label of the check's own.
func (s *shop) labelled(name string, edit func(*batchv1.Job)) {
	s.t.Helper()
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name,
			Labels: map[string]string{"health.aliascheck.dev/check": "smoke"}},
		Spec: *s.cronJob().Spec.JobTemplate.Spec.DeepCopy(),
	}
	job.Spec.Template.Labels = nil // those of the sample are a Job's that was copied
	if edit != nil {
		edit(job)
	}
	s.Expect(live.Create(s.t.Context(), job)).To(Succeed())
}
