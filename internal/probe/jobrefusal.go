package probe

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// The texts of a refusal have the name of the Job in them, and how much of a quota is used, which change from one
// probe to the next; a webhook may write into them what it likes. So only names are taken out of them.
var (
	webhookDenied = regexp.MustCompile(`admission webhook "([^"\s]{1,253})" denied the request`)
	webhookFailed = regexp.MustCompile(`failed calling webhook "([^"\s]{1,253})"`)
	policyDenied  = regexp.MustCompile(`ValidatingAdmissionPolicy '([^'\s]{1,253})'`)
	quotaExceeded = regexp.MustCompile(`exceeded quota: ([^,\s]{1,253}), requested: (\S{1,253}), used: `)
	anyUID        = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	reasonWord    = regexp.MustCompile(`^[A-Z][A-Za-z]{1,63}$`)
)

// jobForbidden is said where nobody has let the manager run Jobs, which is how it is installed.
func jobForbidden(what string) error {
	return &refusedError{v1alpha1.ReasonJobForbidden, fmt.Sprintf("the manager may not %s in this namespace: "+
		"install config/components/job-runner in it", what)}
}

// refusedJob tells why there is no Job, by what there is to change: a quota, a field of the template, a webhook. All else
// is an error of the API.
func refusedJob(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return plainError("another Job has the name that this one would have")
	}
	if what := refusalWords(err); what != "" {
		return plainError("the API server refused to create it: " + what)
	}
	return &ReadError{"it could not be created", err}
}

// refusalWords are empty for an error that is no refusal. Webhooks and policies come first, for they may answer
// with any reason.
func refusalWords(err error) string {
	text := err.Error()
	if found := webhookDenied.FindStringSubmatch(text); found != nil {
		return "denied by admission webhook " + found[1]
	}
	if found := webhookFailed.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("admission webhook %s could not be called", found[1])
	}
	if found := policyDenied.FindStringSubmatch(text); found != nil {
		return "denied by ValidatingAdmissionPolicy " + found[1]
	}
	if found := quotaExceeded.FindStringSubmatch(text); found != nil && apierrors.IsForbidden(err) {
		return fmt.Sprintf("exceeded quota %s for %s", found[1], resourcesOf(found[2]))
	}
	switch {
	case apierrors.IsInvalid(err):
		return invalidWords(err)
	case apierrors.IsForbidden(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return reasonOf(err)
	}
	return ""
}

// resourcesOf a list such as cpu=1,memory=1Gi.
func resourcesOf(requested string) string {
	var names []string
	for quantity := range strings.SplitSeq(requested, ",") {
		name, _, _ := strings.Cut(quantity, "=")
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// invalidWords are the API server's own on each field, which say what to change in the template.
func invalidWords(err error) string {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.Status().Details == nil {
		return reasonOf(err)
	}
	var all []string
	for _, cause := range status.Status().Details.Causes {
		all = append(all, cause.Field+": "+anyUID.ReplaceAllString(cause.Message, "…"))
	}
	if len(all) == 0 {
		return reasonOf(err)
	}
	return strings.Join(all, "; ")
}

// reasonOf an API error, if it has one that is a reason and not a text.
func reasonOf(err error) string {
	if reason := string(apierrors.ReasonForError(err)); reasonWord.MatchString(reason) {
		return reason
	}
	if apierrors.IsForbidden(err) {
		return string(metav1.StatusReasonForbidden)
	}
	return ""
}
