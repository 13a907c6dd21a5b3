package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Labels of a probe's Job.
const (
	labelCheck      = "health.aliascheck.dev/check"
	labelUID        = "health.aliascheck.dev/check-uid"
	labelGeneration = "health.aliascheck.dev/check-generation"
)

// IdentityLabels are those of these labels that tell which check and which spec of it a Job is of.
func IdentityLabels(labels map[string]string) map[string]string {
	ours := map[string]string{}
	for _, name := range []string{labelCheck, labelUID, labelGeneration} {
		if value, found := labels[name]; found {
			ours[name] = value
		}
	}
	return ours
}

// TooManyJobsError tells that more Jobs have the labels of a check than are read.
type TooManyJobsError struct {
	Labels map[string]string
	Max    int
}

// Error implements error.
func (e *TooManyJobsError) Error() string {
	return fmt.Sprintf("more than %d Jobs have the label %s=%s: delete those that are not needed",
		e.Max, labelCheck, e.Labels[labelCheck])
}

// maxShortName leaves room for a dash and a digest in 63 bytes, the bound of a label and of the name of a Job
// whose pods are to have it as theirs.
const maxShortName = 63 - 1 - digestLength

const digestLength = 10

// deadlineSlack is how much longer the Job controller gives a Job than the probe does: the probe comes first,
// and tells what the pod waits for, and where no manager is left the Job ends all the same.
const deadlineSlack = 5 * time.Second

// newJob is a Job of the template for one probe, after those that there were.
func newJob(check *v1alpha1.HealthCheck, template *batchv1.JobTemplateSpec, past history) *batchv1.Job {
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       check.Namespace,
			Name:            jobName(check, past),
			Labels:          maps.Clone(template.Labels),
			Annotations:     maps.Clone(template.Annotations),
			OwnerReferences: []metav1.OwnerReference{ownerOf(check)},
		},
		Spec: onePod(template.Spec.DeepCopy(), check),
	}
	if job.Labels == nil {
		job.Labels = map[string]string{}
	}
	maps.Copy(job.Labels, checkLabels(check))
	job.Labels[labelUID] = string(check.UID)
	job.Labels[labelGeneration] = strconv.FormatInt(check.Generation, 10)
	return job
}

// onePod makes of a Job's spec one that runs one pod, once, for no longer than the timeout, whose exit code is
// then the result. What would run it again, remove it before it is read, or leave it to another controller is taken out.
func onePod(spec *batchv1.JobSpec, check *v1alpha1.HealthCheck) batchv1.JobSpec {
	seconds := math.Ceil((check.Spec.ProbeTimeout() + deadlineSlack).Seconds())
	spec.Parallelism, spec.Completions, spec.BackoffLimit = ptr.To[int32](1), ptr.To[int32](1), ptr.To[int32](0)
	spec.ActiveDeadlineSeconds = ptr.To(int64(seconds))
	spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	spec.CompletionMode, spec.SuccessPolicy, spec.PodFailurePolicy = nil, nil, nil
	spec.BackoffLimitPerIndex, spec.MaxFailedIndexes, spec.PodReplacementPolicy = nil, nil, nil
	spec.TTLSecondsAfterFinished, spec.Suspend = nil, nil
	spec.Selector, spec.ManualSelector = nil, nil
	spec.ManagedBy = nil // a controller that is not there would never run it
	dropJobLabels(&spec.Template)
	return *spec
}

// jobLabels are set by the API server on the pods of a Job, and refused where they have another value.
var jobLabels = []string{
	"controller-uid", "job-name", batchv1.ControllerUidLabel, batchv1.JobNameLabel,
}

// dropJobLabels takes out what came along where a template was copied from a Job that ran.
func dropJobLabels(template *corev1.PodTemplateSpec) {
	for _, label := range jobLabels {
		delete(template.Labels, label)
	}
}

// ownerOf makes the garbage collector delete a Job with its check, and never hold the check up for it.
func ownerOf(check *v1alpha1.HealthCheck) metav1.OwnerReference {
	owner := *metav1.NewControllerRef(check, v1alpha1.GroupVersion.WithKind("HealthCheck"))
	owner.BlockOwnerDeletion = ptr.To(false)
	return owner
}

// checkLabels select the Jobs of all checks that ever had this name in the namespace.
func checkLabels(check *v1alpha1.HealthCheck) map[string]string {
	name := check.Name
	if len(name) > 63 {
		name = short(name) + "-" + digest(name)
	}
	return map[string]string{labelCheck: name}
}

// jobName follows from the check and the Jobs that there were: whoever knows the same past chooses the same name,
// and each Job that ends changes it.
func jobName(check *v1alpha1.HealthCheck, past history) string {
	known := []string{string(check.UID), strconv.FormatInt(check.Generation, 10)}
	for _, job := range past.finished {
		known = append(known, string(job.UID))
	}
	slices.Sort(known)
	return short(strings.ReplaceAll(check.Name, ".", "-")) + "-" + digest(known...)
}

func short(name string) string { return strings.TrimRight(name[:min(len(name), maxShortName)], "-.") }

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "/")))
	return hex.EncodeToString(sum[:])[:digestLength]
}
