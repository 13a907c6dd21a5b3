package probe

import (
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// history is what Jobs there are of a check.
type history struct {
	// running is the Job of this UID and generation that has not ended.
	running *batchv1.Job
	// finished are those of this UID and generation that have, the latest first.
	finished []batchv1.Job
	// leaving are those that must be gone before another begins: of an older spec or UID, or being deleted.
	leaving []batchv1.Job
}

// historyOf sorts the Jobs that the check, or one that had its name before, controls. Others are not touched.
func historyOf(jobs []batchv1.Job, check *v1alpha1.HealthCheck) history {
	var h history
	slices.SortFunc(jobs, laterFirst)
	for i := range jobs {
		job := &jobs[i]
		switch {
		case !controlledByName(job, check):
		case !ofThisSpec(job, check), job.DeletionTimestamp != nil:
			h.leaving = append(h.leaving, *job)
		case finished(job):
			h.finished = append(h.finished, *job)
		case h.running == nil:
			h.running = job
		default:
			h.leaving = append(h.leaving, *job)
		}
	}
	return h
}

// lingers reports whether a Job of this very spec is being deleted, as one that outlived the timeout is.
func (h history) lingers(check *v1alpha1.HealthCheck) bool {
	return slices.ContainsFunc(h.leaving, func(job batchv1.Job) bool { return ofThisSpec(&job, check) })
}

// obsolete are the Jobs to delete: all but the running one, the last that succeeded and the last that failed.
func (h history) obsolete() []batchv1.Job {
	kept := map[batchv1.JobConditionType]bool{}
	var all []batchv1.Job
	for _, job := range h.leaving {
		if job.DeletionTimestamp == nil {
			all = append(all, job)
		}
	}
	for _, job := range h.finished {
		how := outcomeOf(&job)
		if kept[how] {
			all = append(all, job)
		}
		kept[how] = true
	}
	return all
}

func laterFirst(a, b batchv1.Job) int {
	if c := b.CreationTimestamp.Compare(a.CreationTimestamp.Time); c != 0 {
		return c
	}
	if a.UID < b.UID {
		return -1
	}
	return 1
}

func controlledByName(job metav1.Object, check *v1alpha1.HealthCheck) bool {
	owner := metav1.GetControllerOf(job)
	if owner == nil || owner.Kind != "HealthCheck" || owner.Name != check.Name {
		return false
	}
	version, err := schema.ParseGroupVersion(owner.APIVersion)
	return err == nil && version.Group == v1alpha1.GroupVersion.Group
}

func ofThisSpec(job *batchv1.Job, check *v1alpha1.HealthCheck) bool {
	return metav1.IsControlledBy(job, check) && job.Labels[labelUID] == string(check.UID) &&
		job.Labels[labelGeneration] == strconv.FormatInt(check.Generation, 10)
}

func withUID(jobs []batchv1.Job, job *batchv1.Job) *batchv1.Job {
	for i := range jobs {
		if jobs[i].UID == job.UID {
			return &jobs[i]
		}
	}
	return nil
}

func finished(job *batchv1.Job) bool { return outcomeOf(job) != "" }

// outcomeOf is the condition that a Job ended with, Complete or Failed; empty while it runs.
func outcomeOf(job *batchv1.Job) batchv1.JobConditionType {
	if c := endOf(job); c != nil {
		return c.Type
	}
	return ""
}

func endOf(job *batchv1.Job) *batchv1.JobCondition {
	for i, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return &job.Status.Conditions[i]
		}
	}
	return nil
}
