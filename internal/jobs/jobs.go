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

const (
	// maxJobs of one check are read: the one that runs, the last success and the last failure, and those that are on
	// their way out. Anybody may give a Job the label by which they are found.
	maxJobs = 8
	// maxPods of one Job are read. It has one.
	maxPods = 5
)

// Jobs reads and writes through a client that has no cache.
type Jobs struct {
	client client.WithWatch
	turns  *turns
}

var _ probe.Jobs = Jobs{}

// New takes a live client, such as that of client.NewWithWatch; it needs the types of batch/v1 and core/v1.
func New(live client.WithWatch) Jobs { return Jobs{client: live, turns: newTurns()} }

// CronJob reads one CronJob.
func (j Jobs) CronJob(ctx context.Context, namespace, name string) (*batchv1.CronJob, error) {
	done, err := j.turns.take(ctx, namespace)
	if err != nil {
		return nil, err
	}
	defer done()
	cronJob := &batchv1.CronJob{}
	return cronJob, j.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, cronJob)
}

// JobsOf lists the Jobs with these labels, and keeps only what their result is read from: they are kept for as long as the
// probe lasts, and a Job may be more than a megabyte.
func (j Jobs) JobsOf(ctx context.Context, namespace string, labels map[string]string) ([]batchv1.Job, string, error) {
	done, err := j.turns.take(ctx, namespace)
	if err != nil {
		return nil, "", err
	}
	defer done()
	list := &batchv1.JobList{}
	err = j.client.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels(labels), client.Limit(maxJobs))
	if err == nil && list.Continue != "" {
		return nil, "", &probe.TooManyJobsError{Labels: labels, Max: maxJobs}
	}
	kept := make([]batchv1.Job, 0, len(list.Items))
	for i := range list.Items {
		kept = append(kept, strip(&list.Items[i]))
	}
	return kept, list.ResourceVersion, err
}

// strip keeps who a Job is, whose it is and how it ended.
func strip(job *batchv1.Job) batchv1.Job {
	stripped := batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace:         job.Namespace,
		Name:              job.Name,
		UID:               job.UID,
		CreationTimestamp: job.CreationTimestamp,
		DeletionTimestamp: job.DeletionTimestamp,
		Labels:            probe.IdentityLabels(job.Labels),
	}}
	if owner := metav1.GetControllerOf(job); owner != nil {
		stripped.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	for _, c := range job.Status.Conditions {
		if c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed {
			c.Message = ""
			stripped.Status.Conditions = append(stripped.Status.Conditions, c)
		}
	}
	return stripped
}

// WatchJobsOf watches the metadata of the Jobs with these labels.
func (j Jobs) WatchJobsOf(
	ctx context.Context, namespace string, labels map[string]string, resourceVersion string,
) (watch.Interface, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("JobList"))
	return j.client.Watch(ctx, list, client.InNamespace(namespace), client.MatchingLabels(labels),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: resourceVersion}})
}

// Create creates a Job.
func (j Jobs) Create(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error) {
	created := job.DeepCopy()
	if err := j.client.Create(ctx, created); err != nil {
		return nil, err
	}
	stripped := strip(created)
	return &stripped, nil
}

// Delete deletes exactly this Job, which stays until its pods are gone.
func (j Jobs) Delete(ctx context.Context, job *batchv1.Job) error {
	uid := job.UID
	return j.client.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground),
		client.Preconditions{UID: &uid})
}

// PodsOf lists the pods that a Job controls.
func (j Jobs) PodsOf(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error) {
	done, err := j.turns.take(ctx, job.Namespace)
	if err != nil {
		return nil, err
	}
	defer done()
	list := &corev1.PodList{}
	err = j.client.List(ctx, list, client.InNamespace(job.Namespace), client.Limit(maxPods),
		client.MatchingLabels{batchv1.ControllerUidLabel: string(job.UID)})
	var controlled []corev1.Pod
	for i := range list.Items {
		if metav1.IsControlledBy(&list.Items[i], job) {
			controlled = append(controlled, list.Items[i])
		}
	}
	return controlled, err
}
