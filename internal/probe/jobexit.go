package probe

import (
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// exit is the result of a Job that has failed: the exit code of its pod.
func (r *jobRun) exit(job *batchv1.Job, pods []corev1.Pod) Result {
	end := endOf(job)
	if end.Reason == batchv1.JobReasonDeadlineExceeded {
		return failed(r.attempt.says(r.unfinished("")))
	}
	name, worst := r.worstExit(pods)
	switch {
	case worst == nil:
		return failed(r.attempt.says(unexplained(end, pods)))
	case r.warns(worst.ExitCode):
		return warned(r.attempt.says(exitWords(name, worst)))
	default:
		return failed(r.attempt.says(exitWords(name, worst)))
	}
}

// worstExit is the container that decides: the first that ended with a failure, or else with a warning. A sidecar, an
// init container that is restarted, decides nothing: it is terminated when the others have ended.
func (r *jobRun) worstExit(pods []corev1.Pod) (name string, worst *corev1.ContainerStateTerminated) {
	for i := range pods {
		for _, status := range deciding(&pods[i]) {
			ended := status.State.Terminated
			if ended != nil && ended.ExitCode != 0 && (worst == nil || r.warns(worst.ExitCode) && !r.warns(ended.ExitCode)) {
				name, worst = status.Name, ended
			}
		}
	}
	return name, worst
}

// warns reports whether an exit code shows Warning instead of counting as a failure.
func (r *jobRun) warns(code int32) bool {
	return slices.Contains(r.check.Spec.Job.WarningExitCodes, code)
}

func deciding(pod *corev1.Pod) []corev1.ContainerStatus {
	isSidecar := func(status corev1.ContainerStatus) bool {
		return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			return c.Name == status.Name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		})
	}
	initial := slices.DeleteFunc(slices.Clone(pod.Status.InitContainerStatuses), isSidecar)
	return append(initial, pod.Status.ContainerStatuses...)
}

// exitWords tell an exit code, and why where Kubernetes knows more than that it was an error.
func exitWords(container string, ended *corev1.ContainerStateTerminated) string {
	if ended.Reason == "" || ended.Reason == "Error" {
		return fmt.Sprintf("container %s: exit code %d", container, ended.ExitCode)
	}
	return fmt.Sprintf("container %s: exit code %d (%s)", container, ended.ExitCode, ended.Reason)
}

// unexplained tells a Job that failed without an exit code, as when its pod was evicted or deleted.
func unexplained(end *batchv1.JobCondition, pods []corev1.Pod) string {
	for i := range pods {
		if reason := pods[i].Status.Reason; reason != "" {
			return "its pod failed without an exit code: " + reason
		}
	}
	if end.Reason == batchv1.JobReasonBackoffLimitExceeded {
		return "its pod failed without an exit code"
	}
	return "it failed without an exit code: " + end.Reason
}

const (
	itsPodWaits = "; its pod waits: "
	stillRuns   = "; still running: "
)

// onTheWay are the reasons of a container that is about to run, unless something holds it up.
var onTheWay = []string{"ContainerCreating", "PodInitializing"}

// telling ranks what waitingFor says: why a pod waits says more than that there is no pod, which may just be too early.
func telling(waiting string) int {
	reason, waits := strings.CutPrefix(waiting, itsPodWaits)
	switch {
	case waiting == "":
		return 0
	case strings.HasPrefix(waiting, stillRuns):
		return 3
	case !waits:
		return 1
	case slices.Contains(onTheWay, reason):
		return 2
	default:
		return 3
	}
}

// waitingFor tells what keeps the pod of a Job from running, or which of its containers keep it from ending when another
// has; and nothing where all of them run.
func waitingFor(pods []corev1.Pod) string {
	if len(pods) == 0 {
		return "; it has no pod: see the Events of the Job for a quota or an admission that refuses it"
	}
	for i := range pods {
		if reason := waitReason(&pods[i]); reason != "" {
			return itsPodWaits + reason
		}
		if names := outlasting(&pods[i]); len(names) > 0 {
			return stillRuns + "container " + firstFew(names)
		}
	}
	return ""
}

// outlasting are the containers that run though another has ended.
func outlasting(pod *corev1.Pod) []string {
	var running []string
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Running != nil {
			running = append(running, status.Name)
		}
	}
	slices.Sort(running)
	if len(running) == len(pod.Status.ContainerStatuses) {
		return nil
	}
	return running
}

func waitReason(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason != "" {
			return c.Reason
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, status := range statuses {
			if status.State.Waiting != nil && status.State.Waiting.Reason != "" {
				return steady(status.State.Waiting.Reason)
			}
		}
	}
	return ""
}

// steady is one word for reasons between which the kubelet alternates.
func steady(reason string) string {
	if reason == "ErrImagePull" {
		return "ImagePullBackOff"
	}
	return reason
}
