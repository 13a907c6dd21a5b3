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
		return SameHealthCheckStatus(&a.Status, &b.(*v1alpha1.HealthCheck).Status)
	case *v1alpha1.AliasCheck:
		return sameAliasCheckStatus(&a.Status, &b.(*v1alpha1.AliasCheck).Status)
	default:
		return false
	}
}

// SameHealthCheckStatus reports whether two statuses of a HealthCheck show the same.
func SameHealthCheckStatus(a, b *v1alpha1.HealthCheckStatus) bool {
	return sameCheckStatus(&a.CheckStatus, &b.CheckStatus) &&
		a.Type == b.Type &&
		a.ConsecutiveFailures == b.ConsecutiveFailures &&
		a.ConsecutiveSuccesses == b.ConsecutiveSuccesses &&
		a.Pending == b.Pending &&
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

// OnlyDetails reports whether two statuses that differ do so in words or counts alone: the messages of an object and of its
// conditions, and what is pending. How often that is written is bounded, see Damper.
func OnlyDetails(a, b v1alpha1.Check) bool {
	switch a := a.(type) {
	case *v1alpha1.HealthCheck:
		b := b.(*v1alpha1.HealthCheck)
		return sameButForDetails(&a.Status.CheckStatus, &b.Status.CheckStatus) && a.Status.Type == b.Status.Type
	case *v1alpha1.AliasCheck:
		b := b.(*v1alpha1.AliasCheck)
		like := b.Status
		like.CheckStatus = a.Status.CheckStatus
		return sameButForDetails(&a.Status.CheckStatus, &b.Status.CheckStatus) && sameAliasCheckStatus(&a.Status, &like)
	default:
		return false
	}
}

func sameButForDetails(a, b *v1alpha1.CheckStatus) bool {
	like := *b
	like.Message = a.Message
	like.Conditions = slices.Clone(b.Conditions)
	for i := range like.Conditions {
		if i < len(a.Conditions) {
			like.Conditions[i].Message = a.Conditions[i].Message
		}
	}
	return sameCheckStatus(a, &like)
}
