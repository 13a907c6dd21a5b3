package probe_test

import (
	"context"
	"errors"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// apiFailures are what the API server, or the way to it, answers when it is in trouble.
func apiFailures() map[string]error {
	return map[string]error{
		"InternalError":      apierrors.NewInternalError(errors.New("etcd at 10.0.0.1:51234 is gone")),
		"ServiceUnavailable": apierrors.NewServiceUnavailable("apiserver not ready"),
		"TooManyRequests":    apierrors.NewTooManyRequests("later", 1),
		"Timeout":            apierrors.NewTimeoutError("etcd", 1),
		"unreachable":        errors.New("dial tcp 10.0.0.1:6443: connection refused"),
		"deadline":           context.DeadlineExceeded,
	}
}

// What the API server does not tell says nothing of the subject.
func TestAFailureOfTheAPIIsNoResult(t *testing.T) {
	heartbeat := checkOf(v1alpha1.HealthCheckSpec{Heartbeat: &v1alpha1.HeartbeatProbe{LeaseName: "worker"}})
	withSecret := httpCheck("http://127.0.0.1:1", secretHeader("Authorization", "token", "value"))
	unread := func(method string) func(error) probe.Options {
		return func(err error) probe.Options {
			return probe.Options{Jobs: &fakeJobs{unread: map[string]error{method: err}, end: ended(batchv1.JobFailed)}}
		}
	}
	for name, row := range map[string]struct {
		check   *v1alpha1.HealthCheck
		options func(error) probe.Options
		what    string
	}{
		"a Lease": {heartbeat, func(err error) probe.Options { return probe.Options{Leases: leases{err: err}} },
			"heartbeat worker: the Lease could not be read"},
		"a Secret": {withSecret, func(err error) probe.Options { return probe.Options{Secrets: brokenSecrets{err}} },
			"GET http://127.0.0.1:1: Secret token could not be read"},
		"a CronJob": {jobCheck(), unread("CronJob"), "Job of CronJob smoke: the CronJob could not be read"},
		"Jobs":      {jobCheck(), unread("JobsOf"), "Job of CronJob smoke: the list of its Jobs could not be read"},
		"pods":      {jobCheck(), unread("PodsOf"), "Job of CronJob smoke: the pod of the Job could not be read"},
		"a creation": {jobCheck(), func(err error) probe.Options { return probe.Options{Jobs: &fakeJobs{refusal: err}} },
			"Job of CronJob smoke: it could not be created"},
	} {
		for kind, err := range apiFailures() {
			t.Run(name+" "+kind, func(t *testing.T) {
				got := probed(t, row.options(err), row.check)
				if got.Unread == nil || got.Unread.What != row.what || !errors.Is(got.Unread, err) {
					t.Errorf("the result is %+v, want a read error: %s: %v", got, row.what, err)
				}
			})
		}
	}
}

// flakyJobs fails its list a few times, while the Job runs.
type flakyJobs struct {
	fakeJobs
	failures int
}

func (f *flakyJobs) JobsOf(ctx context.Context, namespace string, labels map[string]string) ([]batchv1.Job, string, error) {
	if len(f.created) > 0 && f.failures > 0 {
		f.failures--
		return nil, "", apierrors.NewServiceUnavailable("apiserver not ready")
	}
	return f.fakeJobs.JobsOf(ctx, namespace, labels)
}

func TestAFailureOfTheAPIDoesNotEndTheProbeOfAJobThatRuns(t *testing.T) {
	jobs := &flakyJobs{fakeJobs: fakeJobs{end: ended(batchv1.JobComplete), pods: []corev1.Pod{{}}}, failures: 1}
	expectPass(t, probedWithin(t, time.Minute, probe.Options{Jobs: jobs}, jobCheck()), "Job of CronJob smoke: exit code 0")

	jobs = &flakyJobs{fakeJobs: fakeJobs{end: ended(batchv1.JobComplete)}, failures: 1}
	expectPass(t, probedWithin(t, brokenWithin, probe.Options{Jobs: jobs}, jobCheck()), "Job of CronJob smoke: exit code 0")
}
