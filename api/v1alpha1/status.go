package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// State is the health of a check. Worst first, when several are combined: Critical, Unknown,
// Maintenance, Warning, Passing. Each field has an enum of its own: one here would replace the narrower ones.
type State string

// The states of a check.
const (
	StatePassing     State = "Passing"
	StateWarning     State = "Warning"
	StateCritical    State = "Critical"
	StateMaintenance State = "Maintenance"
	StateUnknown     State = "Unknown"
)

// Condition types of both kinds. Ready and Stalled are those of kstatus.
const (
	// ConditionReady is True for Passing and Warning, False for Critical and Maintenance, Unknown for Unknown.
	ConditionReady = "Ready"
	// ConditionStalled is True only for a spec that no retry can fix, and absent otherwise.
	ConditionStalled = "Stalled"
	// ConditionTargetResolved (AliasCheck) says whether there is a target whose health is mirrored.
	ConditionTargetResolved = "TargetResolved"
)

// Annotations that this project reads.
const (
	// AnnotationMaintenance on a target of any kind puts it in Maintenance; its value is the reason.
	AnnotationMaintenance = "health.aliascheck.dev/maintenance"
	// AnnotationMaintenanceUntil beside it ends that, at a time of RFC 3339.
	AnnotationMaintenanceUntil = "health.aliascheck.dev/maintenance-until"
	// AnnotationState on the Lease of a heartbeat is the state that its holder reports.
	AnnotationState = "health.aliascheck.dev/state"
	// AnnotationMessage on the Lease of a heartbeat is the message that its holder reports.
	AnnotationMessage = "health.aliascheck.dev/message"
)

// LabelShard on a check or a pod names the shard whose manager looks after it, one that runs with --shard. Without the label, that
// is the manager without a shard.
const LabelShard = "sharding.health.aliascheck.dev/key"

// ReasonNotYetReported is the reason of a check that has no result yet: every check is created with it,
// as the default of its status.
const ReasonNotYetReported = "NotYetReported"

// EventStateChanged is the reason of the one kind of Event that checks emit: their state changed.
const EventStateChanged = "StateChanged"

// MaxMessageBytes bounds status.message.
const MaxMessageBytes = 1024

// ObservedGenerationNone is the default of status.observedGeneration: before the first result it differs
// from every generation, so that kstatus computes InProgress and not Current.
const ObservedGenerationNone int64 = -1

// CheckStatus is what the status of both kinds has in common.
type CheckStatus struct {
	// state is the health of the check.
	// +kubebuilder:validation:Enum=Passing;Warning;Critical;Maintenance;Unknown
	// +optional
	State State `json:"state,omitempty"`

	// reason says in one CamelCase word why the state is what it is, from a documented, closed list.
	// An alias of one object has its target's reason.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Reason string `json:"reason,omitempty"`

	// message says it in words, and names the culprit. At most 1024 bytes, and free of volatile text
	// (latencies, timestamps, ports of this side), so that a lasting state is written once.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`

	// lastTransitionTime is when the state changed last. An alias keeps its target's where the target has one.
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('0001-01-01T00:00:00Z')",message="lastTransitionTime must be a time such as 2026-12-01T06:00:00Z"
	// +optional
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`

	// observedGeneration is the metadata.generation that the state belongs to; -1 before the first result.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions follow kstatus: Ready, Stalled, and TargetResolved for an AliasCheck.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(c, c.lastTransitionTime >= timestamp('0001-01-01T00:00:00Z'))",message="lastTransitionTime must be a time such as 2026-12-01T06:00:00Z"
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Check is a HealthCheck or an AliasCheck.
//
// +kubebuilder:object:generate=false
type Check interface {
	metav1.Object
	runtime.Object
	// CommonStatus is the part of the status that both kinds have.
	CommonStatus() *CheckStatus
}

// CommonStatus is the part of the status that both kinds have.
func (h *HealthCheck) CommonStatus() *CheckStatus { return &h.Status.CheckStatus }

// CommonStatus is the part of the status that both kinds have.
func (a *AliasCheck) CommonStatus() *CheckStatus { return &a.Status.CheckStatus }
