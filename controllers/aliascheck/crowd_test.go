package aliascheck

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// selectors is a cache that has aliases which select checks of a team, and counts how many were looked at.
type selectors struct {
	client.Reader
	aliases []v1alpha1.AliasCheck
	looked  atomic.Int64
}

func (s *selectors) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	asked := client.ListOptions{}
	asked.ApplyOptions(options)
	if field, _ := asked.FieldSelector.RequiresExactMatch("selector"); field != "*" {
		return nil
	}
	s.looked.Add(int64(len(s.aliases)))
	list.(*v1alpha1.AliasCheckList).Items = s.aliases
	return nil
}

func manySelectors(many int) *selectors {
	s := &selectors{}
	for i := range many {
		s.aliases = append(s.aliases, v1alpha1.AliasCheck{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint(i)},
			Spec:       v1alpha1.AliasCheckSpec{Selector: &v1alpha1.Selector{}},
		})
	}
	return s
}

// flaps tells of a change of so many checks, each with a label of its own.
func flaps(ctx context.Context, edges *crowds, queue requestQueue, checks int) {
	for i := range checks {
		check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint(i)}}
		edges.Update(ctx, event.UpdateEvent{ObjectOld: check, ObjectNew: check}, queue)
	}
}

func TestACrowdOfAliasesIsLookedUpOnceForABurstOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const aliases, checks = 1000, 500
		cached := manySelectors(aliases)
		edges := aliasEdges{client: cached, rests: newRests(clock.RealClock{})}.through(ofHealthCheck).(*crowds)
		queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		defer queue.ShutDown()
		flaps(t.Context(), edges, queue, checks)
		if cached.looked.Load() > 2*aliases {
			t.Errorf("%d aliases were looked at for %d changes", cached.looked.Load(), checks)
		}
		time.Sleep(2 * gatherFor) //nolint:forbidigo // of the clock of the bubble
		synctest.Wait()
		if cached.looked.Load() > 3*aliases {
			t.Errorf("then %d aliases were looked at", cached.looked.Load())
		}
		if queue.Len() != aliases {
			t.Errorf("%d aliases are evaluated, want each once: %d", queue.Len(), aliases)
		}
		time.Sleep(2 * gatherFor) //nolint:forbidigo // of the clock of the bubble
		synctest.Wait()
		if len(edges.open) != 0 {
			t.Errorf("without a change %d lookups are gathered", len(edges.open))
		}
	})
}

func TestAFewAliasesAreLookedUpForEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cached := manySelectors(crowd)
		edges := aliasEdges{client: cached, rests: newRests(clock.RealClock{})}.through(ofHealthCheck).(*crowds)
		queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		defer queue.ShutDown()
		flaps(t.Context(), edges, queue, 2)
		if len(edges.open) != 0 || cached.looked.Load() != 2*2*crowd { // the old object, and the new one
			t.Errorf("%d lookups are gathered, and %d aliases were looked at", len(edges.open), cached.looked.Load())
		}
	})
}
