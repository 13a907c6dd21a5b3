package target

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// StripTyped is the cache transform of Services, Nodes and EndpointSlices. It keeps what their health is read
// from: a Node of a large cluster is then not its images, and an EndpointSlice not its addresses.
func StripTyped(object any) (any, error) {
	switch o := object.(type) {
	case *corev1.Service:
		return &corev1.Service{
			ObjectMeta: strippedMeta(o.ObjectMeta),
			Spec:       corev1.ServiceSpec{Type: o.Spec.Type},
			Status:     corev1.ServiceStatus{Conditions: o.Status.Conditions},
		}, nil
	case *corev1.Node:
		return &corev1.Node{
			ObjectMeta: strippedMeta(o.ObjectMeta),
			Spec:       corev1.NodeSpec{Unschedulable: o.Spec.Unschedulable},
			Status:     corev1.NodeStatus{Conditions: o.Status.Conditions},
		}, nil
	case *discoveryv1.EndpointSlice:
		return strippedSlice(o), nil
	default:
		return object, nil
	}
}

// StripAddressed is StripTyped for a cache in which Services and EndpointSlices are found by their addresses too.
func StripAddressed(object any) (any, error) {
	stripped, err := StripTyped(object)
	switch kept := stripped.(type) {
	case *corev1.Service:
		kept.Spec.ClusterIPs = object.(*corev1.Service).Spec.ClusterIPs
	case *discoveryv1.EndpointSlice:
		for i, endpoint := range object.(*discoveryv1.EndpointSlice).Endpoints {
			kept.Endpoints[i].Addresses = endpoint.Addresses
		}
	}
	return stripped, err
}

func strippedSlice(slice *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	stripped := &discoveryv1.EndpointSlice{ObjectMeta: strippedMeta(slice.ObjectMeta)}
	if service, belongs := slice.Labels[discoveryv1.LabelServiceName]; belongs {
		stripped.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	}
	for _, endpoint := range slice.Endpoints {
		stripped.Endpoints = append(stripped.Endpoints, discoveryv1.Endpoint{
			Conditions: discoveryv1.EndpointConditions{
				Ready: endpoint.Conditions.Ready, Serving: endpoint.Conditions.Serving,
			},
		})
	}
	return stripped
}

// strippedMeta has what identifies an object, and the annotation for maintenance.
func strippedMeta(from metav1.ObjectMeta) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Namespace: from.Namespace, Name: from.Name, UID: from.UID, ResourceVersion: from.ResourceVersion,
		Generation: from.Generation, CreationTimestamp: from.CreationTimestamp, DeletionTimestamp: from.DeletionTimestamp,
	}
	for _, name := range readAnnotations {
		if value, ok := from.Annotations[name]; ok {
			metav1.SetMetaDataAnnotation(&meta, name, value)
		}
	}
	return meta
}

// readAnnotations are those that are read of a target of any kind.
var readAnnotations = []string{v1alpha1.AnnotationMaintenance, v1alpha1.AnnotationMaintenanceUntil}
