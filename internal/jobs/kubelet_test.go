package jobs_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const patience = 30 * time.Second

// shop is a namespace of one test, with a CronJob e2e-smoke in it.
type shop struct {
	*GomegaWithT
	t         *testing.T
	namespace string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{GomegaWithT: NewWithT(t), t: t}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "shop-"}}
	s.Expect(live.Create(t.Context(), namespace)).To(Succeed())
	s.namespace = namespace.Name
	s.Expect(live.Create(t.Context(), s.cronJob())).To(Succeed())
	return s
}

// cronJob is one whose template asks for much that a probe's Job must not do.
func (s *shop) cronJob() *batchv1.CronJob {
	many, always := int32(3), true
	return &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "e2e-smoke"},
		Spec: batchv1.CronJobSpec{
			Schedule: "@yearly", Suspend: &always,
			JobTemplate: batchv1.JobTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"team": "shop"}},
				Spec: batchv1.JobSpec{
					Parallelism: &many, Completions: &many, BackoffLimit: &many, TTLSecondsAfterFinished: new(int32), Suspend: &always,
					Template: corev1.PodTemplateSpec{
						ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{
							"job-name": "by-hand", "batch.kubernetes.io/controller-uid": "0c5d8a52-3a44-4d5e-8f0e-6c1d5be0a001",
						}},
						Spec: corev1.PodSpec{
							RestartPolicy: corev1.RestartPolicyOnFailure,
							Containers:    []corev1.Container{{Name: "smoke", Image: "smoke:1"}},
						},
					},
				},
			},
		},
	}
}

// check is a HealthCheck of the CronJob, with a timeout of this long.
func (s *shop) check(timeout time.Duration) *v1alpha1.HealthCheck {
	s.t.Helper()
	check := &v1alpha1.HealthCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "smoke"},
		Spec: v1alpha1.HealthCheckSpec{
			Interval: &metav1.Duration{Duration: time.Minute}, Timeout: &metav1.Duration{Duration: timeout},
			Job: &v1alpha1.JobProbe{
				CronJobRef: v1alpha1.CronJobReference{Name: "e2e-smoke"}, WarningExitCodes: []int32{75},
			},
		},
	}
	s.Expect(live.Create(s.t.Context(), check)).To(Succeed())
	return check
}

func (s *shop) jobs() []batchv1.Job {
	s.t.Helper()
	list := &batchv1.JobList{}
	s.Expect(live.List(s.t.Context(), list, client.InNamespace(s.namespace))).To(Succeed())
	return list.Items
}

// pod waits for a pod that has not ended.
func (s *shop) pod() *corev1.Pod {
	s.t.Helper()
	return s.podThat(func(*corev1.Pod) bool { return true })
}

// podOf waits for a pod of one Job that has not ended: those of a deleted Job stay for a moment.
func (s *shop) podOf(job types.UID) *corev1.Pod {
	s.t.Helper()
	return s.podThat(func(pod *corev1.Pod) bool { return metav1.GetControllerOf(pod).UID == job })
}

func (s *shop) podThat(matches func(*corev1.Pod) bool) *corev1.Pod {
	s.t.Helper()
	var found *corev1.Pod
	s.Eventually(func(g Gomega) {
		list := &corev1.PodList{}
		g.Expect(live.List(s.t.Context(), list, client.InNamespace(s.namespace))).To(Succeed())
		found = nil
		for i, pod := range list.Items {
			if pod.Status.Phase == corev1.PodPending && pod.DeletionTimestamp == nil && matches(&pod) {
				found = &list.Items[i]
			}
		}
		g.Expect(found).NotTo(BeNil())
	}, patience).Should(Succeed())
	return found
}

// ends is what a kubelet writes when the container of a pod has ended.
func (s *shop) ends(pod *corev1.Pod, code int32, reason string) {
	s.t.Helper()
	before := pod.DeepCopy()
	pod.Status.Phase = corev1.PodSucceeded
	if code != 0 {
		pod.Status.Phase = corev1.PodFailed
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "smoke", Image: "smoke:1",
		State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}},
	}}
	s.Expect(live.Status().Patch(s.t.Context(), pod, client.MergeFrom(before))).To(Succeed())
}

// changes is what a kubelet writes of a pod otherwise.
func (s *shop) changes(pod *corev1.Pod, change func(*corev1.PodStatus)) {
	s.t.Helper()
	before := pod.DeepCopy()
	change(&pod.Status)
	s.Expect(live.Status().Patch(s.t.Context(), pod, client.MergeFrom(before))).To(Succeed())
}
