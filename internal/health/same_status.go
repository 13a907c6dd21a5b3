package health

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// SameStatus reports whether two checks of one kind show the same. It is asked after every probe, and
// comparing by reflection was the largest part of what a probe cost that changed nothing.
func SameStatus(a, b v1alpha1.Check) bool {
	switch a := a.(type) {
	case *v1alpha1.HealthCheck:
		return sameHealthCheckStatus(&a.Status, &b.(*v1alpha1.HealthCheck).Status)
	case *v1alpha1.AliasCheck:
		return sameAliasCheckStatus(&a.Status, &b.(*v1alpha1.AliasCheck).Status)
	default:
		return false
	}
}

func sameHealthCheckStatus(a, b *v1alpha1.HealthCheckStatus) bool {
	return sameCheckStatus(&a.CheckStatus, &b.CheckStatus) &&
		a.Type == b.Type &&
		a.ConsecutiveFailures == b.ConsecutiveFailures &&
		a.ConsecutiveSuccesses == b.ConsecutiveSuccesses &&
		a.LastProbeTime.Equal(b.LastProbeTime)
}

func sameAliasCheckStatus(a, b *v1alpha1.AliasCheckStatus) bool {
	sameCulprit := a.Culprit == b.Culprit || a.Culprit != nil && b.Culprit != nil && *a.Culprit == *b.Culprit
	return sameCheckStatus(&a.CheckStatus, &b.CheckStatus) && a.Target == b.Target && sameCulprit
}

func sameCheckStatus(a, b *v1alpha1.CheckStatus) bool {
	return a.State == b.State &&
		a.Reason == b.Reason &&
		a.Message == b.Message &&
		a.ObservedGeneration == b.ObservedGeneration &&
		a.LastTransitionTime.Equal(b.LastTransitionTime) &&
		slices.EqualFunc(a.Conditions, b.Conditions, sameCondition)
}

// sameCondition compares instants, and not how a time is kept.
func sameCondition(a, b metav1.Condition) bool {
	sameTime := a.LastTransitionTime.Equal(&b.LastTransitionTime)
	b.LastTransitionTime = a.LastTransitionTime
	return sameTime && a == b
}
