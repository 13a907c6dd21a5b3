// Package v1alpha1 is the API group health.aliascheck.dev: HealthCheck, which looks at the world and
// holds a state, AliasCheck, which holds the health of another object, and HealthRule, which says how the objects of
// a kind show their health.
//
// Validation is OpenAPI and CEL in the CRDs; there is no webhook. All strings and lists are bounded.
//
// +kubebuilder:object:generate=true
// +groupName=health.aliascheck.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the kinds in this package.
var GroupVersion = schema.GroupVersion{Group: "health.aliascheck.dev", Version: "v1alpha1"}

var schemeBuilder = runtime.NewSchemeBuilder(func(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &HealthCheck{}, &HealthCheckList{}, &AliasCheck{}, &AliasCheckList{},
		&HealthRule{}, &HealthRuleList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
})

// AddToScheme registers the kinds of this package.
var AddToScheme = schemeBuilder.AddToScheme
