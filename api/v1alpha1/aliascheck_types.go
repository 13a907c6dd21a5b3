package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Reasons of an AliasCheck that are its own. An alias of one object otherwise has its target's reason.
// The list is closed; docs/troubleshooting.md explains each.
const (
	// ReasonTargetNotFound: the target does not exist.
	ReasonTargetNotFound = "TargetNotFound"
	// ReasonKindNotInstalled: the API server does not know the target's kind.
	ReasonKindNotInstalled = "KindNotInstalled"
	// ReasonKindForbidden: the manager may not read the target's kind.
	ReasonKindForbidden = "KindForbidden"
	// ReasonRefNotPermitted: no ReferenceGrant of the target's namespace lets this alias refer to it, or this HealthCheck probe
	// its Services.
	ReasonRefNotPermitted = "RefNotPermitted"
	// ReasonInvalidTarget: the reference can never be right, such as a namespace for a cluster-scoped kind.
	ReasonInvalidTarget = "InvalidTarget"
	// ReasonAliasCycle: the alias reaches itself or a ring of aliases, by any of its targets.
	ReasonAliasCycle = "AliasCycle"
	// ReasonAliasTooDeep: a chain of more than MaxAliasDepth aliases, or more references than can be followed.
	ReasonAliasTooDeep = "AliasTooDeep"
	// ReasonReadError: the target of an alias, or what the probe of a HealthCheck needs of the API server, could not be
	// read for longer than two minutes.
	ReasonReadError = "ReadError"
	// ReasonNoChecks: there is nothing to combine.
	ReasonNoChecks = "NoChecks"
	// ReasonNoReadyEndpoints: a Service has endpoints and none of them is ready.
	ReasonNoReadyEndpoints = "NoReadyEndpoints"
	// ReasonAllPassing: everything that counts is Passing.
	ReasonAllPassing = "AllPassing"
	// ReasonPartlyReady: as many as minReady asks for are Ready, and not all are Passing.
	ReasonPartlyReady = "PartlyReady"
	// ReasonTooFewChecks: there are not even as many checks as minReady asks for.
	ReasonTooFewChecks = "TooFewChecks"
	// ReasonConditionNotFound: the target does not have the condition that conditionType names.
	ReasonConditionNotFound = "ConditionNotFound"
	// ReasonInProgress: what the target says is of an older generation, or it says that it is not there yet.
	ReasonInProgress = "InProgress"
	// ReasonTerminating: the target is being deleted.
	ReasonTerminating = "Terminating"
	// ReasonNoVerdict: the target says nothing of its health that is understood; a HealthRule, or spec.targetRef.health,
	// tells how its kind says it.
	ReasonNoVerdict = "NoVerdict"
)

// MaxAliasDepth is the longest chain of AliasChecks that is followed.
const MaxAliasDepth = 16

// AliasCheckSpec says which object's health to hold.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReady) || !has(self.targetRef) || (self.targetRef.kind in ['Service', 'Node'] && (!has(self.targetRef.apiVersion) || self.targetRef.apiVersion == 'v1') && !has(self.targetRef.conditionType))",message="minReady counts where several are combined: targets, a selector, the checks of a Service, or those of a Node; a targetRef of another kind, and one condition, have one state only"
// +kubebuilder:validation:XValidation:rule="[has(self.targetRef), has(self.targets), has(self.selector)].exists_one(given, given)",message="set exactly one of targetRef (one object), targets (several objects) and selector (checks by label)"
type AliasCheckSpec struct {
	// targetRef is the object whose health is mirrored. Exactly one of targetRef, targets and selector.
	// +optional
	TargetRef *TargetReference `json:"targetRef,omitempty"`

	// targets are objects of any kinds, each read as if it stood alone; the alias is the worst of them.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="targets must name 1 to 16 objects"
	// +kubebuilder:validation:XValidation:rule="self.all(one, self.exists_one(other, other == one))",message="targets must not have the same reference twice: name each object once, or once for each of its conditions"
	// +optional
	Targets []TargetReference `json:"targets,omitempty"`

	// selector of checks of the alias's namespace; the alias is the worst of them. An empty selector selects all
	// of the namespace.
	// +optional
	Selector *Selector `json:"selector,omitempty"`

	// minReady is how many have to be Ready where several are combined, a number or a percentage (rounded up): with
	// so many the state is Passing or Warning, whatever the others are. Without it the state is the worst of them.
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 1000000 : self.matches('^([1-9][0-9]?|100)%$')",message="minReady must be a number from 1 to 1000000, or a percentage from 1% to 100%, such as 2 or 50%"
	// +optional
	MinReady *intstr.IntOrString `json:"minReady,omitempty"`

	// whenMissing is the state shown for a target that does not exist.
	// +kubebuilder:validation:Enum=Critical;Warning;Unknown;Passing
	// +kubebuilder:default=Critical
	// +optional
	WhenMissing State `json:"whenMissing,omitempty"`

	// whenEmpty is the state shown where there is nothing to combine: a Service without checks and
	// endpoints, a selector that selects nothing. What nothing was read of is not shown as healthy by default.
	// +kubebuilder:validation:Enum=Unknown;Passing;Warning;Critical
	// +kubebuilder:default=Unknown
	// +optional
	WhenEmpty State `json:"whenEmpty,omitempty"`

	// whenUnreported is the state shown for a target of another kind that says nothing of its health: not yet, or
	// nothing that is understood.
	// +kubebuilder:validation:Enum=Unknown;Critical;Warning;Passing
	// +kubebuilder:default=Unknown
	// +optional
	WhenUnreported State `json:"whenUnreported,omitempty"`
}

// One object.
//
// +kubebuilder:validation:XValidation:rule="has(self.apiVersion) || self.kind in ['HealthCheck', 'AliasCheck', 'Service', 'Node']",message="apiVersion is required for this kind, such as apps/v1 for a Deployment; only HealthCheck, AliasCheck, Service and Node go without"
// +kubebuilder:validation:XValidation:rule="self.kind.matches('^[A-Z]') || has(self.apiVersion) && self.apiVersion.matches('^.*[.].*/')",fieldPath=".kind",message="kind must be in CamelCase, such as Deployment: only in groups with a dot in their name are there kinds in lower case"
// +kubebuilder:validation:XValidation:rule="!has(self.conditionStatus) || has(self.conditionType)",message="conditionStatus is the healthy status of the condition that conditionType names: set conditionType too, or leave conditionStatus out"
// +kubebuilder:validation:XValidation:rule="!has(self.health) || !has(self.conditionType)",message="set at most one of health (rules over the object) and conditionType (one condition of it)"
// +kubebuilder:validation:XValidation:rule="!has(self.health) || !(self.kind in ['Service', 'Node'] && (!has(self.apiVersion) || self.apiVersion == 'v1') || self.kind in ['HealthCheck', 'AliasCheck'] && (!has(self.apiVersion) || self.apiVersion.startsWith('health.aliascheck.dev/')))",message="health must not be set for a HealthCheck, AliasCheck, Service or Node, whose health is not read from rules; leave it out"
// +kubebuilder:validation:XValidation:rule="!(self.kind == 'Node' && (!has(self.apiVersion) || self.apiVersion == 'v1') && has(self.__namespace__))",message="namespace must not be set for kind Node: Nodes are cluster-scoped"
type TargetReference struct {
	// apiVersion of the target. Optional for HealthCheck, AliasCheck, Service and Node.
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?v[a-z0-9]+$')",message="apiVersion must be a version, or a group and a version, such as v1 or apps/v1"
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`

	// kind of the target: HealthCheck, AliasCheck, Service, Node, or any other.
	// +kubebuilder:default=HealthCheck
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$')",message="kind must be the name of a kind, such as Deployment"
	// +optional
	Kind string `json:"kind,omitempty"`

	// name of the target.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?$')",message="name must be the name of an object, such as web"
	Name string `json:"name"`

	// namespace of the target; the alias's own by default. Another one needs a ReferenceGrant there.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="namespace must be the name of a namespace, such as shop"
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// conditionType mirrors this one condition of the target: True is Passing, False Critical, Unknown or
	// absent Unknown. conditionStatus turns it round.
	// +kubebuilder:validation:MaxLength=316
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$')",message="conditionType must be the type of a condition, such as Available"
	// +optional
	ConditionType string `json:"conditionType,omitempty"`

	// conditionStatus is the status of that condition which is healthy: True, or False for a condition such as
	// MemoryPressure. The opposite is Critical.
	// +kubebuilder:validation:Enum="True";"False"
	// +optional
	ConditionStatus metav1.ConditionStatus `json:"conditionStatus,omitempty"`

	// health is how an object of another kind says that it is healthy, for this alias alone: rules as those of a
	// HealthRule, of which the first that holds decides.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Health []Rule `json:"health,omitempty"`
}

// A kind that a selector selects.
//
// +kubebuilder:validation:Enum=HealthCheck;AliasCheck
type SelectorKind string

// The kinds that a selector selects.
const (
	SelectHealthChecks SelectorKind = "HealthCheck"
	SelectAliasChecks  SelectorKind = "AliasCheck"
)

// Selector selects checks by their labels, as a Kubernetes label selector does.
type Selector struct {
	// kinds that are selected: HealthCheck, AliasCheck, or both. An alias that its own selector selects leaves itself out.
	// +listType=set
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="kinds must have HealthCheck, AliasCheck, or both"
	// +kubebuilder:default={HealthCheck}
	// +optional
	Kinds []SelectorKind `json:"kinds,omitempty"`

	// matchLabels are labels that must all be there.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(key, size(key) <= 317 && key.matches('^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$'))",message="keys must be keys of labels, such as team or example.com/team: at most 253 characters before the slash, and 63 after it"
	// +optional
	MatchLabels map[string]LabelValue `json:"matchLabels,omitempty"`

	// matchExpressions are requirements that must all hold.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +optional
	MatchExpressions []SelectorRequirement `json:"matchExpressions,omitempty"`
}

// The value of a label.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$')",message="must be the value of a label, such as shop: at most 63 letters, digits, dashes, underscores and dots, the first and last a letter or digit"
type LabelValue string

// One requirement on a label.
//
// +kubebuilder:validation:XValidation:rule="(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",message="values must be given for the operators In and NotIn, and for no other"
type SelectorRequirement struct {
	// key of the label.
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$')",message="key must be the key of a label, such as team or example.com/team: at most 253 characters before the slash, and 63 after it"
	Key string `json:"key"`

	// operator of the requirement.
	// +kubebuilder:validation:Enum=In;NotIn;Exists;DoesNotExist
	Operator metav1.LabelSelectorOperator `json:"operator"`

	// values for In and NotIn.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Values []LabelValue `json:"values,omitempty"`
}

// Culprit is the check or object that decided a state.
type Culprit struct {
	// apiVersion of the culprit; absent where an older version of the manager wrote the status that named it.
	// +kubebuilder:validation:MaxLength=317
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`
	// kind of the culprit.
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`
	// name of the culprit.
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// namespace of the culprit; empty for a cluster-scoped one.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// AliasCheckStatus is the health of the target.
type AliasCheckStatus struct {
	CheckStatus `json:",inline"`

	// target is what is mirrored, in short: HealthCheck/web, Service/shop/web, selector team=shop, or of several
	// HealthCheck/web, Node/worker-1 and 3 more.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Target string `json:"target,omitempty"`

	// culprit is what decided the state, where one thing did.
	// +optional
	Culprit *Culprit `json:"culprit,omitempty"`
}

// AliasCheck holds the health of another object, and keeps it true.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ack,categories=checks
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.status.target`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`
// +kubebuilder:printcolumn:name="Since",type=date,JSONPath=`.status.lastTransitionTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`,priority=1
type AliasCheck struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says which object's health to hold.
	Spec AliasCheckSpec `json:"spec"`

	// status is the health of the target.
	// +kubebuilder:default:={"state":"Unknown","reason":"NotYetReported","message":"not reported yet","observedGeneration":-1}
	// +optional
	Status AliasCheckStatus `json:"status,omitempty"`
}

// AliasCheckList is a list of AliasChecks.
//
// +kubebuilder:object:root=true
type AliasCheckList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AliasCheck `json:"items"`
}
