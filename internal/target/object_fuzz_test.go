package target

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// I9: whatever another controller wrote into an object, looking at it does not panic, and what is said of it can be
// written: a state that there is, and a reason that a condition may have. What the cache leaves out changes none of it.
func FuzzObject(f *testing.F) {
	for _, body := range []string{
		`{}`,
		`{"metadata":{"name":"web","generation":2},"status":{"observedGeneration":1,"conditions":[{"type":"Ready"}]}}`,
		`{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"phase":"Failed","reason":"no reason"}}`,
		`{"metadata":{"annotations":{"health.aliascheck.dev/maintenance":""}},"status":"none"}`,
		`{"metadata":[],"spec":[],"status":{"conditions":{"type":"Ready"}}}`,
		`{"spec":{"replicas":"3"},"status":{"conditions":[7,null,{"type":"Ready","status":true}],"replicas":1.5}}`,
		`{"spec":{"replicas":3,"completions":-1,"updateStrategy":{"type":"OnDelete","rollingUpdate":{"partition":2}}},` +
			`"status":{"observedGeneration":"1","readyReplicas":3,"conditions":[{"type":"Ready","status":"True",` +
			`"reason":"!","message":3,"lastTransitionTime":"yesterday","observedGeneration":0.5}]}}`,
		`{"status":{"phase":"Running","containerStatuses":[{"state":{"waiting":{"reason":"CrashLoopBackOff"}}},null]}}`,
		`{"status":{"startTime":"now","succeeded":1,"failed":-1,"conditions":[{"type":"Failed","status":"True"}]}}`,
		`{"status":{"loadBalancer":{"ingress":[null]},"currentHealthy":1,"desiredHealthy":"2","phase":"Bound"}}`,
	} {
		for kind := range kindsWithCases {
			f.Add(byte(kind), body, "")
			f.Add(byte(kind), body, "Ready")
		}
	}
	f.Fuzz(func(t *testing.T, draw byte, body, conditionType string) {
		object := &unstructured.Unstructured{}
		if json.Unmarshal([]byte(body), &object.Object) != nil || object.Object == nil {
			return
		}
		drawn := kindsWithCases[int(draw)%len(kindsWithCases)]
		object.Object["apiVersion"], object.Object["kind"] = drawn.apiVersion, drawn.kind
		text, err := object.MarshalJSON()
		if err != nil || object.UnmarshalJSON(text) != nil {
			return // no object that a client would read
		}
		ref := Reference{ConditionType: conditionType}
		kind := object.GroupVersionKind().GroupKind()
		set := rules.BuiltIn(kind)
		before := objectMember(ref, object.DeepCopy(), set)
		if state := before.State; health.Known(state) != state || evidence.ReasonOr(before.Reason, "none") == "none" &&
			state != v1alpha1.StateMaintenance {
			t.Errorf("state %q, reason %q", state, before.Reason)
		}
		if before.State == v1alpha1.StatePassing && object.GetDeletionTimestamp() != nil {
			t.Errorf("Passing while it is being deleted: %s", before.Message)
		}
		stripped, err := read(kind, set).strip()(object)
		if err != nil {
			t.Fatal(err)
		}
		after := objectMember(ref, stripped.(*unstructured.Unstructured), set)
		if after != before {
			t.Errorf("%s (%s: %s) in the cache, and %s (%s: %s) before it was stripped", after.State, after.Reason,
				after.Message, before.State, before.Reason, before.Message)
		}
	})
}

// kindsWithCases are those of Kubernetes itself, and one that has no rules.
var kindsWithCases = []struct{ apiVersion, kind string }{
	{"example.com/v1", "Widget"}, {"v1", "Pod"}, {"v1", "PersistentVolumeClaim"}, {"v1", "Service"},
	{"apps/v1", "Deployment"}, {"apps/v1", "ReplicaSet"}, {"apps/v1", "StatefulSet"}, {"apps/v1", "DaemonSet"},
	{"batch/v1", "Job"}, {"batch/v1", "CronJob"}, {"policy/v1", "PodDisruptionBudget"},
	{"apiextensions.k8s.io/v1", "CustomResourceDefinition"},
}
