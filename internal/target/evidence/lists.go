package evidence

import (
	"slices"
	"strings"
)

// Types of conditions and words that mean the same in nearly all kinds. A type that is in no list is no evidence,
// whatever its status: most types belong to one project alone.

// kindReady stands for the type <Kind>Ready, such as GrafanaReady of a Grafana.
const kindReady = "<Kind>Ready"

// summaryTypes sum up an object. The first that is present decides.
var summaryTypes = []string{
	"Ready", kindReady, "Available", "Healthy", "Succeeded", "Complete", "Synced", "Accepted", "Valid", "Programmed",
	"Established", "Installed", "Reconciled", "Applied",
}

// weakTypes say that something was written or understood, and not that it works. A word that says more is believed.
var weakTypes = set("Synced", "Accepted", "Valid", "Programmed", "Established", "Installed", "Reconciled", "Applied")

// positive reports whether a type of condition that is False beside a summary which is True shows that not all is well.
// Types that are stages, such as Initialized, and those that are often False in idleness, such as Active, do not.
func positive(name string) bool {
	return positiveTypes[name] || !denies(name) && !badTypes[name] && !goodOnlyWhenTrue[name] && endsWith(name, positiveEnds)
}

var positiveEnds = []string{"Ready", "Available", "Healthy", "Synced", "Synchronized", "Succeeded", "Success", "Successful",
	"Reconciled"}

var positiveTypes = set("Succeeded", "Complete", "Accepted", "Programmed", "ResolvedRefs", "Admitted", "Valid", "Synced",
	"UpToDate", "Reconciled", "Applied", "Enforced", "Responsive", "ACK.ReferencesResolved")

// writtenTypes say that what was asked for is there. Where no type sums up the others they count as parts do.
var writtenTypes = set("Deployed", "Configured")

// goodOnlyWhenTrue are types that are False in idleness, or while an end is still to come: then they say nothing.
var goodOnlyWhenTrue = set("Active", "Completed", "Successful")

// neutralTypes say nothing of the health of an object, whatever their status.
var neutralTypes = set("Drifted", "Consolidatable", "Unused", "LiveMigratable", "Upgradeable", "DisruptionAllowed",
	"ScalingLimited", "RetrievedUpdates", "RuntimeActive", "ConcurrencyShared", "ACK.Advisory", "ACK.LateInitialized",
	"ACK.Adopted")

// badWhenTrue reports whether a condition of this type is Critical when it is True.
func badWhenTrue(name string) bool {
	if denies(name) || notWholeWhenTrue(name) {
		return false
	}
	return badTypes[name] || endsWith(name, badEnds) || strings.Contains(name, "Conflict") ||
		slices.ContainsFunc(badBeginnings, func(begins string) bool { return strings.HasPrefix(name, begins) })
}

var badBeginnings = []string{"Invalid", "Failed"}

var badEnds = []string{"Failed", "Failure", "Error", "Errors"}

var badTypes = set("Stalled", "ErrorOccurred", "NotReady", "Denied", "Unhealthy", "Rejected", "Irreconcilable", "ACK.Terminal")

// notWholeWhenTrue is what is bad, and does not keep an object from serving.
func notWholeWhenTrue(name string) bool {
	if denies(name) || badTypes[name] {
		return false
	}
	return notWholeTypes[name] || endsWith(name, notWholeEnds)
}

var notWholeTypes = set("ReplicaFailure", "Warning", "Fallback", "PartiallyInvalid", "ACK.Recoverable",
	"FetchFailed", "RestartRequired")

// notWholeEnds name what is not as it should be, and leave open how much depends on it.
var notWholeEnds = []string{"Degraded", "Pressure", "Unhealthy", "Unavailable", "Unreachable", "Missing", "NotFound",
	"Exceeded", "Expired", "Blocked", "Failing"}

// denies reports whether a type says that something bad is not there: NoConflict, NotFailed, ConflictResolved.
func denies(name string) bool {
	for _, prefix := range []string{"No", "Not", "Without"} {
		rest, cut := strings.CutPrefix(name, prefix)
		if cut && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' && name != "NotReady" {
			return true
		}
	}
	return strings.HasSuffix(name, "Resolved") || strings.HasSuffix(name, "Free")
}

// suspendedWhenTrue reports whether a condition of this type says that somebody has turned the object off.
func suspendedWhenTrue(name string) bool {
	return name == "Stopped" || name == "hibernation" ||
		strings.HasSuffix(name, "Paused") || strings.HasSuffix(name, "Suspended")
}

// suspendedReasons are reasons of a summary condition that is False because somebody wanted it.
var suspendedReasons = set("Paused", "Suspended", "Stopped", "Disabled", "Hibernated", "ReconcilePaused",
	"ReconciliationPaused")

// pausedReasons are reasons of any condition that is False because nobody is to work on the object, as Crossplane has it.
var pausedReasons = set("ReconcilePaused", "ReconciliationPaused")

// suspendingFields of the spec turn an object off.
var suspendingFields = []string{"suspend", "suspended", "paused"}

// understoodWhenFalse reports whether a condition of this type says nothing bad by being False.
func understoodWhenFalse(name string) bool {
	return badWhenTrue(name) || notWholeWhenTrue(name) || suspendedWhenTrue(name) || progressType(name)
}

// progressType is a condition that is True while something is under way.
func progressType(name string) bool {
	return progressTypes[name] || strings.HasPrefix(name, "Updating") || endsWith(name, progressEnds)
}

var progressTypes = set("Reconciling", "Progressing", "Updating", "Upgrading", "Deleting", "Issuing", "RollingOut",
	"ScalingUp", "ScalingDown", "Scaling", "Resizing", "Restarting", "Migrating", "Creating", "Provisioning", "Installing",
	"Initializing", "Terminating", "Remediating")

var progressEnds = []string{"InProgress", "Progressing"}

// endOfProgress are the reasons of a Progressing which is True at rest, as that of a Deployment.
var endOfProgress = set("NewReplicaSetAvailable", "Succeeded", "Completed", "AsExpected")

// notYetReason reports whether the reason of a summary condition that is False means "not yet".
func notYetReason(reason string) bool {
	if strings.HasPrefix(reason, "Waiting") || notYetReasons[reason] {
		return true
	}
	return !badReason(reason) && endsWith(reason, notYetEnds)
}

var notYetReasons = set("DependencyNotReady", "DependencyNotFound", "SourceNotReady", "NotReconciled", "Init")

// vagueReasons of a summary condition that is False say no more than that.
var vagueReasons = set("", "NotReady", "NotAvailable", "NotHealthy", "NotProvisioned", "Unready", "ComponentsNotReady")

// notYetTypes say by being False that the last change is still under way; another type says that it failed.
var notYetTypes = set("ACK.ResourceSynced")

func endsWith(text string, ends []string) bool {
	return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(text, end) })
}

// badReason reports whether a reason has a word in it that means failure, whatever else it says.
func badReason(reason string) bool {
	return slices.ContainsFunc(badReasonWords, func(word string) bool { return strings.Contains(reason, word) })
}

var badReasonWords = []string{"Fail", "Error", "Invalid", "Timeout", "TimedOut", "Denied", "Exceeded", "Aborted"}

// endTypes say that something has ended, and not how.
var endTypes = set("Complete", "Succeeded")

var notYetEnds = []string{"Creating", "Provisioning", "Initializing", "Installing", "Pending", "Progressing", "InProgress",
	"Reconciling", "Updating", "Upgrading", "Deploying", "Waiting", "Starting", "Restarting", "Scaling", "Syncing", "Building",
	"Preparing", "Restoring", "Bootstrapping"}

// The fields of a status that say how an object is: with an error, and with a number of replicas.
var (
	errorFields = []string{"error", "errors", "errorMessage", "failureReason", "failureMessage"}
	readyFields = []string{"readyReplicas", "availableReplicas"}
)

// boolFields say it by true and false.
var boolFields = []string{"ready", "readyToUse", "healthy", "available", "valid", "ok", "success", "succeeded", "passed", "pass"}

// wordFields say it in a word.
var wordFields = []string{"health", "phase", "state", "status"}

// partFields are lists in a status whose entries have conditions of their own: what one listener, parent or binding says.
var partFields = []string{"parents", "ancestors", "listeners", "bindings", "ingress"}

// saysGood reports whether a good word in a field is evidence for an object of this kind: in a known one, alone or after
// "current", "overall" and the like, or after the name of the kind or its last word, as the certificateStatus of a ManagedCertificate.
func saysGood(field, kind string) bool {
	if slices.Contains(wordFields, field) {
		return true
	}
	for _, end := range wordEnds {
		if of, cut := strings.CutSuffix(field, end); cut {
			return slices.Contains(ofTheWhole, of) || of != "" && strings.HasSuffix(strings.ToLower(kind), strings.ToLower(of))
		}
	}
	return false
}

// ofTheWhole are beginnings of fields that speak of all of an object.
var ofTheWhole = []string{"current", "overall", "health", "lifecycle"}

// saysBad reports whether a word that is not good counts in a field: in any that is named after a state, unless it is of
// the past or of what is wanted.
func saysBad(field string) bool {
	for _, prefix := range []string{"last", "previous", "desired", "target", "expected", "initial"} {
		if strings.HasPrefix(field, prefix) {
			return false
		}
	}
	return namedAfterState(field)
}

func namedAfterState(field string) bool {
	return slices.Contains(wordFields, field) || endsWith(field, wordEnds)
}

var wordEnds = []string{"State", "Status", "Phase", "Health"}

// The words, in lower case and without spaces, dashes and underscores.
var (
	goodWords = set("ready", "succeeded", "success", "successful", "completed", "complete", "active", "healthy", "enabled",
		"available", "valid", "bound", "operational", "green", "ok", "passed", "online", "connected", "compliant", "deployed",
		"installed", "synced", "reconciled", "up", "normal", "stable", "accepted", "applied", "configured", "provisioned",
		"attached", "verified", "validated", "registered", "imported")
	badWords = set("failed", "failure", "error", "errored", "invalid", "degraded", "unhealthy", "faulted", "lost", "aborted",
		"rejected", "red", "unavailable", "unreachable", "offline", "disconnected", "crashed", "crashloopbackoff", "denied",
		"expired", "missing", "broken", "critical", "timeout", "timedout", "conflict", "down", "noncompliant", "stalled", "blocked",
		"notfound", "unsupported", "forbidden", "unauthorized", "evicted", "fatal")
	cautionWords = set("yellow", "warning")
	purposeWords = set("paused", "suspended", "disabled", "stopped", "hibernated")
	notYetWords  = set("pending", "notready", "notstarted", "inprogress", "new", "queued", "scheduled", "submitted", "created",
		"started", "init")
	// endlessWords end as what is under way does, and are not: they mean different things in different kinds.
	endlessWords = set("running", "operating", "serving", "listening", "working")
)

func set(words ...string) map[string]bool {
	s := make(map[string]bool, len(words))
	for _, word := range words {
		s[word] = true
	}
	return s
}
