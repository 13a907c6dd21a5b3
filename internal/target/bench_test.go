package target

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// What each kind of target costs once it is read. For benchstat: go test -run '^$' -bench . -count 10.

func BenchmarkATargetCheck(b *testing.B) {
	check := &v1alpha1.HealthCheck{Status: v1alpha1.HealthCheckStatus{CheckStatus: v1alpha1.CheckStatus{
		State: v1alpha1.StateCritical, Reason: v1alpha1.ReasonProbeFailed, LastTransitionTime: &metav1.Time{Time: time.Unix(1, 0)},
	}}}
	b.ReportAllocs()
	for b.Loop() {
		healthCheckMember(check, time.Now())
	}
}

func BenchmarkATargetNode(b *testing.B) {
	node := &corev1.Node{Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse},
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue},
	}}}
	b.ReportAllocs()
	for b.Loop() {
		nodeMember(node)
	}
}

func BenchmarkATargetDeployment(b *testing.B) {
	ref := Reference{Name: "web", Namespace: "shop"}
	deployment := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "namespace": "shop", "generation": int64(2)},
		"spec":     map[string]any{"replicas": int64(3)},
		"status": map[string]any{
			"observedGeneration": int64(2), "replicas": int64(3), "updatedReplicas": int64(3),
			"readyReplicas": int64(3), "availableReplicas": int64(3),
			"conditions": []any{map[string]any{"type": "Available", "status": "True"}},
		},
	}}
	set := rules.BuiltIn(deployment.GroupVersionKind().GroupKind())
	if member := objectMember(ref, deployment, set); member.State != v1alpha1.StatePassing {
		b.Fatalf("the Deployment is %s: %s", member.State, member.Message)
	}
	b.ReportAllocs()
	for b.Loop() {
		objectMember(ref, deployment, set)
	}
}

func BenchmarkTheEndpointsOfAService(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("slices=%d", n), func(b *testing.B) {
			slices := make([]discoveryv1.EndpointSlice, n)
			for i := range slices {
				slices[i].Endpoints = []discoveryv1.Endpoint{{Conditions: discoveryv1.EndpointConditions{Ready: new(false)}}}
			}
			b.ReportAllocs()
			for b.Loop() {
				endpointsMember(health.Member{Kind: kindService, Name: "web"}, slices)
			}
		})
	}
}
