package target

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestStrippingTypedObjectsKeepsWhatTheirHealthIsReadFrom(t *testing.T) {
	meta := metav1.ObjectMeta{
		Name: "web", UID: "5f2c", ResourceVersion: "7", Labels: map[string]string{discoveryv1.LabelServiceName: "web", "team": "shop"},
		Annotations:   map[string]string{v1alpha1.AnnotationMaintenance: "disk swap", "note": "long"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}
	kept := metav1.ObjectMeta{
		Name: "web", UID: "5f2c", ResourceVersion: "7",
		Annotations: map[string]string{v1alpha1.AnnotationMaintenance: "disk swap"},
	}
	keptOfSlice := *kept.DeepCopy()
	keptOfSlice.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	conditions := []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	ready := discoveryv1.EndpointConditions{Ready: new(true)}

	for _, row := range []struct{ full, want any }{
		{
			&corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.7"}},
			&corev1.Service{ObjectMeta: kept},
		},
		{
			&corev1.Node{
				ObjectMeta: meta, Spec: corev1.NodeSpec{Unschedulable: true, PodCIDR: "10.0.0.0/24"},
				Status: corev1.NodeStatus{Conditions: conditions, Images: []corev1.ContainerImage{{Names: []string{"web"}}}},
			},
			&corev1.Node{
				ObjectMeta: kept, Spec: corev1.NodeSpec{Unschedulable: true}, Status: corev1.NodeStatus{Conditions: conditions},
			},
		},
		{
			&discoveryv1.EndpointSlice{
				ObjectMeta: meta, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.1.0.7"}, Conditions: ready}},
			},
			&discoveryv1.EndpointSlice{ObjectMeta: keptOfSlice, Endpoints: []discoveryv1.Endpoint{{Conditions: ready}}},
		},
	} {
		if got, err := StripTyped(row.full); err != nil || !equality.Semantic.DeepEqual(got, row.want) {
			t.Errorf("stripping gives %+v, %v, want %+v", got, err, row.want)
		}
	}
}
