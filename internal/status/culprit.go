package status

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// blamed is what decided the state of a check, and a reference to it for the Event; nil if no single object decided. A
// HealthCheck has no culprit but itself.
func blamed(check client.Object) (*v1alpha1.Culprit, runtime.Object) {
	alias, ok := check.(*v1alpha1.AliasCheck)
	if !ok || alias.Status.Culprit == nil {
		return nil, nil
	}
	culprit := alias.Status.Culprit
	return culprit, &corev1.ObjectReference{
		APIVersion: culprit.APIVersion,
		Kind:       culprit.Kind,
		Namespace:  culprit.Namespace,
		Name:       culprit.Name,
	}
}
