package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ConditionAccepted (HealthRule) says whether the rules are in force.
const ConditionAccepted = "Accepted"

// Reasons of the condition Accepted of a HealthRule. The list is closed.
const (
	// ReasonAccepted: the rules compile, and they decide for their kind.
	ReasonAccepted = "Accepted"
	// ReasonInvalidExpression: an expression does not compile; the rules of a HealthRule are then not in force, and an
	// alias with such a rule of its own is Unknown.
	ReasonInvalidExpression = "InvalidExpression"
	// ReasonConflict: an older HealthRule has the same target.
	ReasonConflict = "Conflict"
	// ReasonUnsupportedKind: HealthCheck, AliasCheck, Service and Node have rules that cannot be replaced.
	ReasonUnsupportedKind = "UnsupportedKind"
)

// What state an object has while an expression holds.
type Rule struct {
	// state that is shown while the rule holds.
	// +kubebuilder:validation:Enum=Passing;Warning;Critical;Unknown;Maintenance
	State State `json:"state"`

	// when is a CEL expression over `object`, and must be a bool: object.status.health == 'red'. A rule whose expression
	// cannot be evaluated, as where a field is absent, does not hold.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when"`

	// reason that is shown, in CamelCase. By default it is that of the condition which when asks for, or else the state.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Z][A-Za-z0-9]*$')",message="reason must be in CamelCase, such as ClusterRed"
	// +optional
	Reason string `json:"reason,omitempty"`

	// message is a CEL expression over `object`, and must be a string: 'health is ' + object.status.health.
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	Message string `json:"message,omitempty"`
}

// HealthRuleTarget is the kind of object that rules are for, in all of its versions.
//
// +kubebuilder:validation:XValidation:rule="self.kind.matches('^[A-Z]') || has(self.group) && self.group.contains('.')",fieldPath=".kind",message="kind must be in CamelCase, such as Deployment: only in groups with a dot in their name are there kinds in lower case"
type HealthRuleTarget struct {
	// group of the kind, such as apps; empty for the core group.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$')",message="group must be the name of an API group without a version, such as apps"
	// +optional
	Group string `json:"group,omitempty"`

	// kind, such as Deployment.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$')",message="kind must be the name of a kind, such as Deployment"
	Kind string `json:"kind"`
}

// HealthRuleSpec has the rules of a kind. The first that holds decides.
type HealthRuleSpec struct {
	// target is the kind that the rules are for.
	Target HealthRuleTarget `json:"target"`

	// rules in the order in which they are tried.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Rules []Rule `json:"rules"`
}

// HealthRuleStatus says whether the rules are in force.
type HealthRuleStatus struct {
	// observedGeneration is the metadata.generation that the conditions belong to.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions has one: Accepted.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.all(c, c.lastTransitionTime >= timestamp('0001-01-01T00:00:00Z'))",message="lastTransitionTime must be a time such as 2026-12-01T06:00:00Z"
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// HealthRule says how the objects of a kind say that they are healthy. It replaces a built-in rule of that kind.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=hrule
// +kubebuilder:printcolumn:name="Group",type=string,JSONPath=`.spec.target.group`
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.target.kind`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].message`,priority=1
type HealthRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec has the rules of a kind.
	Spec HealthRuleSpec `json:"spec"`

	// status says whether the rules are in force.
	// +optional
	Status HealthRuleStatus `json:"status,omitempty"`
}

// HealthRuleList is a list of HealthRules.
//
// +kubebuilder:object:root=true
type HealthRuleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HealthRule `json:"items"`
}
