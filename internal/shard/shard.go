// Package shard says which checks and pods are a manager's own, where several managers share the work of a cluster.
package shard

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// LeaseName is that of the Lease by which the manager without a shard elects its leader.
const LeaseName = "manager.health.aliascheck.dev"

// Shard is the name of a manager's shard. Its own are the objects that bear the name in v1alpha1.LabelShard; those of the
// empty one are the objects without that label.
type Shard string

// Parse checks a name: it is the value of a label, and a part of a Lease's name.
func Parse(name string) (Shard, error) {
	if name == "" {
		return "", nil
	}
	if problems := content.IsDNS1123Label(name); len(problems) > 0 {
		return "", fmt.Errorf("%q is not the name of a shard: %s", name, strings.Join(problems, ", "))
	}
	return Shard(name), nil
}

// Of is the shard that an object belongs to.
func Of(object metav1.Object) Shard { return Shard(object.GetLabels()[v1alpha1.LabelShard]) }

// Has reports whether an object is the shard's own.
func (s Shard) Has(object metav1.Object) bool { return Of(object) == s }

// Lease is the name of the shard's Lease: each shard has a leader of its own.
func (s Shard) Lease() string {
	if s == "" {
		return LeaseName
	}
	return string(s) + "." + LeaseName
}

// Own lets through the events of the shard's own objects, and the one by which an object leaves it.
func (s Shard) Own() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return s.Has(e.Object) },
		UpdateFunc:  func(e event.UpdateEvent) bool { return s.Has(e.ObjectOld) || s.Has(e.ObjectNew) },
		DeleteFunc:  func(e event.DeleteEvent) bool { return s.Has(e.Object) },
		GenericFunc: func(e event.GenericEvent) bool { return s.Has(e.Object) },
	}
}
