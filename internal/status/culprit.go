package status

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target"
)

// blamed is what decided the state of a check, and a reference to it for the Event; nothing where no one thing did. A
// HealthCheck answers for itself.
func blamed(check client.Object) (*v1alpha1.Culprit, runtime.Object) {
	alias, is := check.(*v1alpha1.AliasCheck)
	if !is || alias.Status.Culprit == nil {
		return nil, nil
	}
	culprit := alias.Status.Culprit
	return culprit, &corev1.ObjectReference{
		APIVersion: apiVersionOf(culprit, alias),
		Kind:       culprit.Kind,
		Namespace:  culprit.Namespace,
		Name:       culprit.Name,
	}
}

// apiVersionOf a culprit is that of the target, if it is the target itself, and this project's, if it is a check that
// the alias counts. At the far end of a chain may be any kind, and the status of the next alias does not say its group:
// then it is left out.
func apiVersionOf(culprit *v1alpha1.Culprit, alias *v1alpha1.AliasCheck) string {
	ref, one := target.ReferenceOf(alias)
	switch {
	case one && culprit.Kind == ref.Kind && culprit.Name == ref.Name:
		return ref.GroupVersion().String()
	case one && ref.GroupKind() == target.AliasCheckKind:
		return ""
	default:
		return v1alpha1.GroupVersion.String()
	}
}
