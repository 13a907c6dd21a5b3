package probe_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// fakeJobs is an API server for what a real one does too seldom: it refuses, or answers at the last moment.
// That all else is as it should be is tested against a real one, in internal/jobs.
type fakeJobs struct {
	refusal error
	// unread fails the method of this name.
	unread map[string]error
	end    batchv1.JobCondition
	pods   []corev1.Pod
	// template is that of the CronJob.
	template batchv1.JobTemplateSpec
	// expire ends the context of the probe as soon as the end of the Job was read.
	expire context.CancelFunc

	created []batchv1.Job
}

func (f *fakeJobs) CronJob(context.Context, string, string) (*batchv1.CronJob, error) {
	return &batchv1.CronJob{Spec: batchv1.CronJobSpec{JobTemplate: f.template}}, f.unread["CronJob"]
}

func (f *fakeJobs) JobsOf(ctx context.Context, _ string, _ map[string]string) ([]batchv1.Job, string, error) {
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	if len(f.created) > 0 && f.expire != nil {
		defer f.expire()
	}
	return f.created, "1", f.unread["JobsOf"]
}

func (f *fakeJobs) WatchJobsOf(context.Context, string, map[string]string, string) (watch.Interface, error) {
	return nil, errors.New("there is no watch")
}

func (f *fakeJobs) Create(_ context.Context, job *batchv1.Job) (*batchv1.Job, error) {
	if f.refusal != nil {
		return nil, f.refusal
	}
	job.UID = "9d1f"
	job.Status.Conditions = []batchv1.JobCondition{f.end}
	f.created = append(f.created, *job)
	return job, nil
}

func (f *fakeJobs) Delete(context.Context, *batchv1.Job) error { return nil }

func (f *fakeJobs) PodsOf(ctx context.Context, _ *batchv1.Job) ([]corev1.Pod, error) {
	return f.pods, errors.Join(ctx.Err(), f.unread["PodsOf"])
}

func jobCheck() *v1alpha1.HealthCheck {
	return checkOf(v1alpha1.HealthCheckSpec{Job: &v1alpha1.JobProbe{CronJobRef: v1alpha1.CronJobReference{Name: "smoke"}}})
}

func ended(how batchv1.JobConditionType) batchv1.JobCondition {
	return batchv1.JobCondition{Type: how, Status: corev1.ConditionTrue}
}

func TestAJobThatEndsJustBeforeTheDeadlineIsJudgedByItsEnd(t *testing.T) {
	failed := []corev1.Pod{{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "smoke", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2}},
	}}}}}
	probeOf := func(end batchv1.JobConditionType) probe.Result {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		jobs := &fakeJobs{end: ended(end), pods: failed, expire: cancel}
		return probe.New(probe.Options{Jobs: jobs}).Probe(ctx, jobCheck())
	}
	expectPass(t, probeOf(batchv1.JobComplete), "Job of CronJob smoke: exit code 0")
	expectFailure(t, probeOf(batchv1.JobFailed), "Job of CronJob smoke: container smoke: exit code 2")
}

// denied is how an API server passes the refusal of a webhook on: the text, the code and the reason are the webhook's.
func denied(reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: reason, Message: message,
	}}
}

func TestARefusedJobIsToldWithoutTextThatChangesOrIsNotOurs(t *testing.T) {
	const refused = "Job of CronJob smoke: the API server refused to create it: "
	resource := schema.GroupResource{Group: "batch", Resource: "jobs"}
	kind := schema.GroupKind{Group: "batch", Kind: "Job"}
	for name, row := range map[string]struct {
		refusal error
		message string
	}{
		"a quota": {apierrors.NewForbidden(resource, "smoke-1f", errors.New(
			"exceeded quota: no-jobs, requested: count/jobs.batch=1, used: count/jobs.batch=17, limited: count/jobs.batch=17")),
			refused + "exceeded quota no-jobs for count/jobs.batch"},
		"a quota of two": {apierrors.NewForbidden(resource, "smoke-1f", errors.New(
			"exceeded quota: few, requested: cpu=1,memory=1Gi, used: cpu=3,memory=2Gi, limited: cpu=3,memory=2Gi")),
			refused + "exceeded quota few for cpu, memory"},
		"no right": {apierrors.NewForbidden(resource, "", errors.New(`User "system:serviceaccount:a:b" cannot create`)),
			refused + "Forbidden"},
		"an invalid template": {apierrors.NewInvalid(kind, "smoke-1f", field.ErrorList{
			field.Required(field.NewPath("spec", "template", "spec", "containers"), "")}),
			refused + "spec.template.spec.containers: Required value"},
		"a text with a UID": {apierrors.NewInvalid(kind, "smoke-1f", field.ErrorList{
			field.Invalid(field.NewPath("spec", "selector"), "", "no match for 0c5d8a52-3a44-4d5e-8f0e-6c1d5be0a001")}),
			refused + `spec.selector: Invalid value: "": no match for …`},
		"a webhook": {denied("", `admission webhook "jobs.example.com" denied the request: token abc, try 17`),
			refused + "denied by admission webhook jobs.example.com"},
		"a webhook that says Invalid": {denied(metav1.StatusReasonInvalid,
			`admission webhook "jobs.example.com" denied the request: 17`),
			refused + "denied by admission webhook jobs.example.com"},
		"a webhook that fails": {apierrors.NewInternalError(errors.New(
			`failed calling webhook "jobs.example.com": failed to call webhook: Post "https://10.0.0.7:443/": EOF`)),
			refused + "admission webhook jobs.example.com could not be called"},
		"a policy": {denied(metav1.StatusReasonInvalid,
			`jobs.batch "smoke-1f" is forbidden: ValidatingAdmissionPolicy 'no-jobs' with binding 'all' denied request: 17`),
			refused + "denied by ValidatingAdmissionPolicy no-jobs"},
		"a reason of someone's own": {denied("token abc, try 17", "hidden"), refused + "Forbidden"},
		"an invalid request":        {apierrors.NewBadRequest("hidden 17"), refused + "BadRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			expectFailure(t, probed(t, probe.Options{Jobs: &fakeJobs{refusal: row.refusal}}, jobCheck()), row.message)
		})
	}
}

func TestASidecarDecidesNothing(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	ended := func(name string, code int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}}
	}
	pod := corev1.Pod{
		Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Name: "proxy", RestartPolicy: &always}, {Name: "setup"}}},
		Status: corev1.PodStatus{
			InitContainerStatuses: []corev1.ContainerStatus{ended("proxy", 143), ended("setup", 0)},
			ContainerStatuses:     []corev1.ContainerStatus{ended("smoke", 1)},
		},
	}
	jobs := &fakeJobs{end: batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionTrue},
		pods: []corev1.Pod{pod}}
	expectFailure(t, probed(t, probe.Options{Jobs: jobs}, jobCheck()), "Job of CronJob smoke: container smoke: exit code 1")
	expectResult(t, probed(t, probe.Options{Jobs: jobs}, warningOn(1)), health.Warned, v1alpha1.ReasonProbeWarning,
		"Job of CronJob smoke: container smoke: exit code 1")
}

func warningOn(codes ...int32) *v1alpha1.HealthCheck {
	check := jobCheck()
	check.Spec.Job.WarningExitCodes = codes
	return check
}

// One container that fails outweighs one that warns, in whichever order they are.
func TestOnlyTheGivenExitCodesAreWarnings(t *testing.T) {
	failedWith := func(codes ...int32) *fakeJobs {
		pod := corev1.Pod{}
		for i, code := range codes {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
				Name:  "c" + strconv.Itoa(i),
				State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}},
			})
		}
		return &fakeJobs{end: ended(batchv1.JobFailed), pods: []corev1.Pod{pod}}
	}
	for _, row := range []struct {
		codes   []int32
		warning []int32
		outcome health.Outcome
		message string
	}{
		{[]int32{1}, nil, health.Failed, "container c0: exit code 1"},
		{[]int32{1}, []int32{2}, health.Failed, "container c0: exit code 1"},
		{[]int32{75}, []int32{1, 75}, health.Warned, "container c0: exit code 75"},
		{[]int32{75, 1, 3}, []int32{1, 75}, health.Failed, "container c2: exit code 3"},
		{[]int32{3, 75}, []int32{75}, health.Failed, "container c0: exit code 3"},
		{[]int32{0, 75}, []int32{75}, health.Warned, "container c1: exit code 75"},
	} {
		got := probed(t, probe.Options{Jobs: failedWith(row.codes...)}, warningOn(row.warning...))
		if got.Outcome != row.outcome || got.Message != "Job of CronJob smoke: "+row.message {
			t.Errorf("exit codes %v with warnings %v: %v %q, want %v %q",
				row.codes, row.warning, got.Outcome, got.Message, row.outcome, row.message)
		}
	}
}

func TestAContainerThatOutlivesTheOthersIsNamed(t *testing.T) {
	pod := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
		{Name: "smoke", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
		{Name: "proxy", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
	}}}
	jobs := &fakeJobs{pods: []corev1.Pod{pod}, end: batchv1.JobCondition{Type: batchv1.JobSuspended, Status: corev1.ConditionFalse}}
	expectFailure(t, probedWithin(t, brokenWithin, probe.Options{Jobs: jobs}, jobCheck()),
		"Job of CronJob smoke: not finished after 5s; still running: container proxy")
}

// Labels that a template has kept from a Job that ran are not sent: the API server refuses them, with the UID of the new
// Job in its text.
func TestWhatBelongsToTheJobControllerIsNotCopied(t *testing.T) {
	jobs := &fakeJobs{end: ended(batchv1.JobComplete)}
	jobs.template.Spec.ManagedBy = new("example.com/nobody")
	jobs.template.Spec.Template.Labels = map[string]string{
		"controller-uid": "1", "job-name": "old", "batch.kubernetes.io/controller-uid": "1", "batch.kubernetes.io/job-name": "old",
		"app": "smoke",
	}
	expectPass(t, probed(t, probe.Options{Jobs: jobs}, jobCheck()), "Job of CronJob smoke: exit code 0")
	created := jobs.created[0].Spec
	if !maps.Equal(created.Template.Labels, map[string]string{"app": "smoke"}) || created.ManagedBy != nil {
		t.Errorf("the Job has the labels %v and managedBy %v", created.Template.Labels, created.ManagedBy)
	}
}

// A pod that ignores SIGTERM keeps its Job for longer than the probe that had it deleted.
func TestAJobThatLingersIsToldAsTheLastProbeDid(t *testing.T) {
	jobs := &fakeJobs{end: batchv1.JobCondition{Type: batchv1.JobSuspended, Status: corev1.ConditionFalse}}
	running := "Job of CronJob smoke: not finished after 5s"
	first := probedWithin(t, brokenWithin, probe.Options{Jobs: jobs}, jobCheck())
	if first.Message != running+"; it has no pod: see the Events of the Job for a quota or an admission that refuses it" {
		t.Errorf("the first probe says %q", first.Message)
	}
	jobs.created[0].DeletionTimestamp = &metav1.Time{}
	check := jobCheck()
	check.Status.Message = first.Message
	expectFailure(t, probedWithin(t, brokenWithin, probe.Options{Jobs: jobs}, check), first.Message)
	expectFailure(t, probedWithin(t, brokenWithin, probe.Options{Jobs: jobs}, jobCheck()), running)
}

// What the pod of a Job is seen to wait for depends on the moment, and the message does not.
func TestWhatAPodWaitsForIsToldOnceItIsKnownAndThenStays(t *testing.T) {
	waiting := func(reason string) []corev1.Pod {
		return []corev1.Pod{{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: "smoke", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
		}}}}}
	}
	const running, noPod = "Job of CronJob smoke: not finished after 5s", "; it has no pod: see the Events of the Job " +
		"for a quota or an admission that refuses it"
	check := jobCheck()
	for i, row := range []struct {
		pods    []corev1.Pod
		message string
	}{
		{[]corev1.Pod{{}}, running},
		{nil, running + noPod},
		{[]corev1.Pod{{}}, running + noPod},
		{waiting("ContainerCreating"), running + "; its pod waits: ContainerCreating"},
		{nil, running + "; its pod waits: ContainerCreating"},
		{waiting("ErrImagePull"), running + "; its pod waits: ImagePullBackOff"},
		{waiting("ContainerCreating"), running + "; its pod waits: ImagePullBackOff"},
		{nil, running + "; its pod waits: ImagePullBackOff"},
		{[]corev1.Pod{{}}, running + "; its pod waits: ImagePullBackOff"},
	} {
		jobs := &fakeJobs{pods: row.pods,
			end: batchv1.JobCondition{Type: batchv1.JobSuspended, Status: corev1.ConditionFalse}}
		got := probedWithin(t, brokenWithin, probe.Options{Jobs: jobs}, check)
		if got.Message != row.message {
			t.Errorf("probe %d says %q, want %q", i, got.Message, row.message)
		}
		check.Status.Message = got.Message
	}
}

// A Job counts once because it counts only if it ended after the last that did: so its end must be known, also where the
// way in which it failed could not be read.
func TestTheResultOfAJobSaysWhenThatEnded(t *testing.T) {
	unreadable := map[string]error{"PodsOf": apierrors.NewServiceUnavailable("apiserver not ready")}
	for name, row := range map[string]struct {
		end    batchv1.JobCondition
		unread map[string]error
	}{
		"complete":   {end: ended(batchv1.JobComplete)},
		"failed":     {end: ended(batchv1.JobFailed)},
		"unreadable": {end: ended(batchv1.JobFailed), unread: unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			check, at := jobCheck(), time.Unix(1_700_000_000, 0)
			row.end.LastTransitionTime = metav1.NewTime(at)
			prober := probe.New(probe.Options{Jobs: &fakeJobs{end: row.end, unread: row.unread}})
			if got := probedWith(t, prober, check); !got.Ended.Equal(at) || (got.Unread != nil) != (row.unread != nil) {
				t.Errorf("the probe sees %+v, want it ended at %s", got, at)
			}
			past := prober.LastJob(t.Context(), check)
			if !past.Result.Ended.Equal(at) || (past.Result.Unread != nil) != (row.unread != nil) {
				t.Errorf("the last Job is %+v, want it ended at %s", past.Result, at)
			}
		})
	}
	none := probed(t, probe.Options{Jobs: &fakeJobs{refusal: apierrors.NewBadRequest("no")}}, jobCheck())
	if !none.Ended.IsZero() {
		t.Errorf("without a Job the probe sees %+v", none)
	}
}
