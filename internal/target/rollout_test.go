package target

import (
	"reflect"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// What an alias shows changes with what is served, and not with each counter of its target.
func TestARolloutOfAHundredPodsWritesFewStatuses(t *testing.T) {
	const pods = 100
	condition := func(kind, status, reason string) map[string]any {
		return map[string]any{"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-01-02T12:00:00Z"}
	}
	deployment := func(generation, observed, replicas, updated, available int64, progress string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": "web", "namespace": "shop", "generation": generation},
			"spec":     map[string]any{"replicas": int64(pods)},
			"status": map[string]any{
				"observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated,
				"readyReplicas": available, "availableReplicas": available,
				"conditions": []any{
					condition("Available", "True", "MinimumReplicasAvailable"), condition("Progressing", "True", progress),
				},
			},
		}}
	}
	seen := []*unstructured.Unstructured{
		deployment(1, 1, pods, pods, pods, "NewReplicaSetAvailable"), deployment(2, 1, pods, pods, pods, "NewReplicaSetAvailable"),
	}
	for updated := int64(1); updated <= pods; updated++ { // each new pod comes, is ready, and an old one goes
		seen = append(seen,
			deployment(2, 2, pods+1, updated, pods, "ReplicaSetUpdated"),
			deployment(2, 2, pods+1, updated, pods+1, "ReplicaSetUpdated"),
			deployment(2, 2, pods, updated, pods-1, "ReplicaSetUpdated"))
	}
	seen = append(seen, deployment(2, 2, pods, pods, pods, "NewReplicaSetAvailable"))

	set := rules.BuiltIn(seen[0].GroupVersionKind().GroupKind())
	alias := &v1alpha1.AliasCheck{}
	writes, now := 0, time.Unix(0, 0)
	for _, object := range seen {
		now = now.Add(time.Second)
		after := health.ApplyObservation(alias, one(objectMember(Reference{}, object, set)), now)
		if !reflect.DeepEqual(after, alias.Status) {
			writes++
			alias.Status = after
		}
	}
	if writes > 5 || alias.Status.State != v1alpha1.StatePassing {
		t.Errorf("%d changes of the Deployment made %d writes, and the alias is %s at the end", len(seen), writes, alias.Status.State)
	}
	t.Logf("%d changes of the Deployment made %d writes", len(seen), writes)
}
