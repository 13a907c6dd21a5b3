package jobs

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/probe"
)

// +kubebuilder:rbac:groups=batch,resources=cronjobs,verbs=get,roleName=job-probes-role
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=list;watch;create;delete,roleName=job-probes-role
// +kubebuilder:rbac:groups="",resources=pods,verbs=list,roleName=job-probes-role

// Jobs reads and writes through a client that has no cache.
type Jobs struct {
	client client.WithWatch
}

var _ probe.Jobs = Jobs{}

// New takes a live client, such as that of client.NewWithWatch; it needs the types of batch/v1 and core/v1.
func New(live client.WithWatch) Jobs { return Jobs{client: live} }

// CronJob reads one CronJob.
func (j Jobs) CronJob(ctx context.Context, namespace, name string) (*batchv1.CronJob, error) {
	cronJob := &batchv1.CronJob{}
	return cronJob, j.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, cronJob)
}

// JobsOf lists the Jobs with these labels.
func (j Jobs) JobsOf(ctx context.Context, namespace string, labels map[string]string) ([]batchv1.Job, string, error) {
	list := &batchv1.JobList{}
	err := j.client.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels(labels))
	return list.Items, list.ResourceVersion, err
}

// WatchJobsOf watches the Jobs with these labels.
func (j Jobs) WatchJobsOf(
	ctx context.Context, namespace string, labels map[string]string, resourceVersion string,
) (watch.Interface, error) {
	return j.client.Watch(ctx, &batchv1.JobList{}, client.InNamespace(namespace), client.MatchingLabels(labels),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: resourceVersion}})
}

// Create creates a Job.
func (j Jobs) Create(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error) {
	created := job.DeepCopy()
	return created, j.client.Create(ctx, created)
}

// Delete deletes exactly this Job, which stays until its pods are gone.
func (j Jobs) Delete(ctx context.Context, job *batchv1.Job) error {
	uid := job.UID
	return j.client.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground),
		client.Preconditions{UID: &uid})
}

// PodsOf lists the pods that a Job controls.
func (j Jobs) PodsOf(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	err := j.client.List(ctx, list, client.InNamespace(job.Namespace),
		client.MatchingLabels{batchv1.ControllerUidLabel: string(job.UID)})
	return list.Items, err
}
