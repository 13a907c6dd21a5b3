package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Jobs runs Jobs from the templates of CronJobs. Errors are those of the API, and every read is live.
type Jobs interface {
	CronJob(ctx context.Context, namespace, name string) (*batchv1.CronJob, error)
	// JobsOf lists the Jobs with these labels, and the resourceVersion of that list. It fails with a TooManyJobsError where
	// there are more than any check needs.
	JobsOf(ctx context.Context, namespace string, labels map[string]string) ([]batchv1.Job, string, error)
	// WatchJobsOf watches the Jobs with these labels from a resourceVersion on. Of its events the metadata is looked at.
	WatchJobsOf(
		ctx context.Context, namespace string, labels map[string]string, resourceVersion string,
	) (watch.Interface, error)
	Create(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error)
	// Delete deletes exactly this Job, by UID. It stays until its pods are gone (foreground).
	Delete(ctx context.Context, job *batchv1.Job) error
	// PodsOf lists the pods that a Job controls.
	PodsOf(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error)
}

const (
	// tidyTime is for what must still be done when the deadline may have passed: to read how the Job failed, and to
	// delete what is no longer needed.
	tidyTime = 3 * time.Second
	// rewatchPause keeps a watch that ends at once from being a busy loop, and relistPause Jobs that change all the time.
	rewatchPause = time.Second
	relistPause  = 200 * time.Millisecond
)

// job runs the job template of a CronJob and passes as it does: exit code 0 passes, those of warningExitCodes are a
// warning, and all else is a failure (Consul's script checks, whose rule is [1]).
//
// One Job at a time, whatever happens: a Job that still runs for this UID and generation, left by a manager
// that has ended, is waited for and not run again; any other is deleted, and gone before the next begins. The
// name of a new Job follows from the last one, so that two managers which both think they lead create one Job.
func (p *Probes) job(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	run := p.jobRun(check)
	a := run.attempt
	if p.jobs == nil {
		return a.failed(plainError("this manager runs no Jobs"))
	}
	job, err := run.begin(ctx)
	if err != nil {
		return a.failed(err)
	}
	return run.finish(ctx, job)
}

func (p *Probes) jobRun(check *v1alpha1.HealthCheck) *jobRun {
	a := newAttempt(check, "Job of CronJob "+check.Spec.Job.CronJobRef.Name)
	return &jobRun{attempt: a, jobs: p.jobs, check: check, labels: checkLabels(check)}
}

// LastJob implements Prober.
func (p *Probes) LastJob(ctx context.Context, check *v1alpha1.HealthCheck) Past {
	if check.Spec.Job == nil || p.jobs == nil {
		return Past{}
	}
	run := p.jobRun(check)
	jobs, _, err := p.jobs.JobsOf(ctx, check.Namespace, run.labels)
	if err != nil {
		return Past{Result: run.attempt.failed(jobsUnread(err))}
	}
	past := historyOf(jobs, check)
	if past.running != nil || len(past.finished) == 0 {
		return Past{}
	}
	last := &past.finished[0]
	return Past{Began: last.CreationTimestamp.Time, Result: run.judged(ctx, last)}
}

// jobRun is one probe by Job.
type jobRun struct {
	attempt *attempt
	jobs    Jobs
	check   *v1alpha1.HealthCheck
	labels  map[string]string
}

func (r *jobRun) template(ctx context.Context) (*batchv1.JobTemplateSpec, error) {
	cronJob, err := r.jobs.CronJob(ctx, r.check.Namespace, r.check.Spec.Job.CronJobRef.Name)
	switch {
	case err == nil:
		return &cronJob.Spec.JobTemplate, nil
	case apierrors.IsNotFound(err):
		return nil, plainError("the CronJob does not exist")
	case apierrors.IsForbidden(err):
		return nil, jobForbidden("read CronJobs")
	default:
		return nil, &ReadError{"the CronJob could not be read", err}
	}
}

// begin is the one Job that runs now: the one that still does, or a new one once all others are gone.
func (r *jobRun) begin(ctx context.Context) (*batchv1.Job, error) {
	var past history
	err := r.until(ctx, func(jobs []batchv1.Job) bool {
		past = historyOf(jobs, r.check)
		r.delete(ctx, past.obsolete())
		return len(past.leaving) == 0
	})
	switch {
	case unread(err):
		return nil, err
	case err != nil && timedOut(err) && past.lingers(r.check):
		return nil, plainError(r.unfinished("")) // a pod that ignores SIGTERM: what the last probe said still holds
	case err != nil && timedOut(err):
		return nil, plainError(fmt.Sprintf("an earlier Job has not ended within %s, and two never run at once",
			brief(r.attempt.limit)))
	case err != nil:
		return nil, err
	case past.running != nil:
		return past.running, nil
	}
	return r.create(ctx, past)
}

// create reads the template as late as it can: many checks that wait may share one large template.
func (r *jobRun) create(ctx context.Context, past history) (*batchv1.Job, error) {
	template, err := r.template(ctx)
	if err != nil {
		return nil, err
	}
	job, err := r.jobs.Create(ctx, newJob(r.check, template, past))
	if err != nil {
		return r.adopted(ctx, err)
	}
	return job, nil
}

// adopted is the Job that another manager created meanwhile, for it chose the same name; or why it cannot be adopted.
func (r *jobRun) adopted(ctx context.Context, err error) (*batchv1.Job, error) {
	if !apierrors.IsAlreadyExists(err) {
		return nil, cancelledOr(ctx, refusedJob(err))
	}
	jobs, _, listErr := r.jobs.JobsOf(ctx, r.check.Namespace, r.labels)
	if listErr != nil {
		return nil, cancelledOr(ctx, jobsUnread(listErr))
	}
	if running := historyOf(jobs, r.check).running; running != nil {
		return running, nil
	}
	return nil, refusedJob(err)
}

// finish waits for the end of a Job, and returns its result. Errors of the API on the way do not end that: the Job goes on.
func (r *jobRun) finish(ctx context.Context, job *batchv1.Job) Result {
	current := job
	await := func() error {
		return r.until(ctx, func(jobs []batchv1.Job) bool {
			current = withUID(jobs, job)
			return current == nil || finished(current)
		})
	}
	err := await()
	for unread(err) && pause(ctx, rewatchPause) == nil {
		err = await()
	}
	switch {
	case err == nil:
		return r.ended(ctx, current)
	case errors.Is(ctx.Err(), context.Canceled):
		return r.attempt.failed(ctx.Err())
	default:
		return r.atDeadline(ctx, job)
	}
}

// atDeadline looks at the Job once more: it may have ended at the last moment, or while it could not be read.
func (r *jobRun) atDeadline(ctx context.Context, job *batchv1.Job) Result {
	ctx, cancel := tidying(ctx)
	defer cancel()
	jobs, _, err := r.jobs.JobsOf(ctx, job.Namespace, r.labels)
	if err != nil {
		return r.attempt.failed(jobsUnread(err))
	}
	if current := withUID(jobs, job); current == nil || finished(current) {
		return r.ended(ctx, current)
	}
	return r.outlived(ctx, job)
}

// ended is the result of a Job that has finished, at the last moment too, or of none. It becomes the history, and those
// before it go.
func (r *jobRun) ended(ctx context.Context, job *batchv1.Job) Result {
	if job == nil || job.DeletionTimestamp != nil {
		return failed(r.attempt.says("it was deleted before it ended"))
	}
	ctx, cancel := tidying(ctx)
	defer cancel()
	result := r.judged(ctx, job)
	if jobs, _, err := r.jobs.JobsOf(ctx, job.Namespace, r.labels); err == nil {
		r.delete(ctx, historyOf(jobs, r.check).obsolete()) // what remains goes with the next probe
	}
	return result
}

// judged is the result of a Job that has finished. It needs the pods only of one that has failed.
func (r *jobRun) judged(ctx context.Context, job *batchv1.Job) Result {
	result := r.outcome(ctx, job)
	result.Ended = endOf(job).LastTransitionTime.Time
	return result
}

func (r *jobRun) outcome(ctx context.Context, job *batchv1.Job) Result {
	if outcomeOf(job) == batchv1.JobComplete {
		return passed(r.attempt.says("exit code 0"))
	}
	pods, err := r.jobs.PodsOf(ctx, job)
	if err != nil {
		return r.attempt.failed(podUnread(err))
	}
	return r.exit(job, pods)
}

// outlived deletes a Job that is not finished at the deadline, and says what its pod waits for. Where pods may not be
// read, or cannot, that is left out.
func (r *jobRun) outlived(ctx context.Context, job *batchv1.Job) Result {
	pods, err := r.jobs.PodsOf(ctx, job)
	r.delete(ctx, []batchv1.Job{*job})
	if err != nil {
		return failed(r.attempt.says(r.unfinished("")))
	}
	return failed(r.attempt.says(r.unfinished(waitingFor(pods))))
}

// tidying is a context for what follows the end of a Job, which may be the end of the probe's own time.
func tidying(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
}

// unfinished tells a Job that has not ended, and what its pod waits for. Whether that is seen depends on the moment: so
// what has been told once stays until something more telling is seen, or the check has something else to say.
func (r *jobRun) unfinished(waiting string) string {
	what := "not finished after " + brief(r.attempt.limit)
	told, isTold := strings.CutPrefix(r.check.Status.Message, r.attempt.says(what))
	if isTold && telling(told) >= telling(waiting) {
		waiting = told
	}
	return what + waiting
}

// delete asks for the end of Jobs. What fails is tried again with the next probe, and until then no Job begins.
func (r *jobRun) delete(ctx context.Context, jobs []batchv1.Job) {
	for i := range jobs {
		_ = r.jobs.Delete(ctx, &jobs[i])
	}
}

// until calls done with the Jobs of this check, now and after each change, until it is content.
func (r *jobRun) until(ctx context.Context, done func([]batchv1.Job) bool) error {
	for {
		jobs, version, err := r.jobs.JobsOf(ctx, r.check.Namespace, r.labels)
		if err != nil {
			return cancelledOr(ctx, jobsUnread(err))
		}
		if done(jobs) {
			return nil
		}
		if err := r.awaitChange(ctx, version); err != nil {
			return err
		}
	}
}

// awaitChange returns after the next change of this check's Jobs, or for another look when the watch ends.
func (r *jobRun) awaitChange(ctx context.Context, version string) error {
	watcher, err := r.jobs.WatchJobsOf(ctx, r.check.Namespace, r.labels, version)
	if err != nil {
		return pause(ctx, rewatchPause)
	}
	defer watcher.Stop()
	for {
		select {
		case event, open := <-watcher.ResultChan():
			if !open || event.Type == watch.Error {
				return pause(ctx, rewatchPause)
			}
			if r.concerns(event) {
				return pause(ctx, relistPause)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// concerns reports whether an event is of a Job that the check controls, and not of one that merely has its label.
func (r *jobRun) concerns(event watch.Event) bool {
	job, err := meta.Accessor(event.Object)
	return err == nil && controlledByName(job, r.check)
}

func pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cancelledOr is the end of a probe that nobody waits for. An error at the deadline stays what it is: the API
// server did not answer in time.
func cancelledOr(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return err
}

func podUnread(err error) error {
	if apierrors.IsForbidden(err) {
		return jobForbidden("read pods")
	}
	return &ReadError{"the pod of the Job could not be read", err}
}

func jobsUnread(err error) error {
	if tooMany, ok := errors.AsType[*TooManyJobsError](err); ok {
		return plainError(tooMany.Error())
	}
	if apierrors.IsForbidden(err) {
		return jobForbidden("list Jobs")
	}
	return &ReadError{"the list of its Jobs could not be read", err}
}

func unread(err error) bool {
	_, ok := errors.AsType[*ReadError](err)
	return ok
}
