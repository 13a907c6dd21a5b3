package status

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// The rest of a long queue would be worked on after SIGTERM, for longer than the end of the process may take.
func TestAQueueThatEndsHandsOutNothingMore(t *testing.T) {
	queue := Queue("it", Backoff(time.Minute))
	for _, name := range []string{"a", "b", "c"} {
		queue.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "shop", Name: name}})
	}
	first, over := queue.Get()
	if over || first.Name != "a" {
		t.Fatalf("the first is %v, over %v", first, over)
	}
	queue.ShutDown()
	queue.Done(first)
	if next, over := queue.Get(); !over {
		t.Errorf("after its end it hands out %v", next)
	}
}
