package aliascheck

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/status"
)

func TestABurstOfChangesIsOneEvaluationOfAnAliasThatCombines(t *testing.T) {
	rollUp, single := reconcile.Request{}, reconcile.Request{}
	rollUp.Name, single.Name = "roll-up", "single"
	queue := priorityqueue.New[reconcile.Request]("burst")
	defer queue.ShutDown()
	gathering := gatheringQueue{queue, func(r reconcile.Request) time.Duration {
		if r == rollUp {
			return gatherFor
		}
		return 0
	}}

	began := time.Now()
	for range 1000 {
		gathering.Add(rollUp)
	}
	gathering.Add(single)
	if first, _ := queue.Get(); first != single {
		t.Errorf("%s is evaluated first: the other waits for more changes", first.Name)
	}
	if next, _ := queue.Get(); next != rollUp || time.Since(began) < gatherFor {
		t.Errorf("%s is evaluated after %s", next.Name, time.Since(began))
	}
	queue.Done(single)
	queue.Done(rollUp)
	if queue.Len() != 0 {
		t.Errorf("%d evaluations are left of the burst", queue.Len())
	}
}

func TestAnAliasThatCombinesRestsAfterAnEvaluation(t *testing.T) {
	now := clocktesting.NewFakePassiveClock(time.Unix(1_000_000, 0))
	rests, rollUp := newRests(now), types.NamespacedName{Namespace: "shop", Name: "roll-up"}
	if left := rests.left(rollUp); left > 0 {
		t.Errorf("one that was not evaluated rests for %s", left)
	}
	rests.began(rollUp)
	now.SetTime(now.Now().Add(restFor / 5))
	if left := rests.left(rollUp); left != restFor*4/5 {
		t.Errorf("it rests for another %s", left)
	}
	now.SetTime(now.Now().Add(2 * restFor))
	rests.began(types.NamespacedName{Namespace: "shop", Name: "another"})
	if left := rests.left(rollUp); left > 0 || len(rests.since) != 1 {
		t.Errorf("it rests for another %s; remembered are %v", left, rests.since)
	}
}

func TestWhatThisProcessWroteIsNotEvaluatedAgain(t *testing.T) {
	alias := func(version string) *v1alpha1.AliasCheck {
		a := &v1alpha1.AliasCheck{}
		a.Namespace, a.Name, a.ResourceVersion = "shop", "web", version
		return a
	}
	own := status.NewOwnWrites[*v1alpha1.AliasCheck](status.AliasCheckKind, clock.RealClock{}, time.Minute, neverFails)
	own.Keep(alias("5"))
	passes := notOwn(own)
	if passes.Update(event.UpdateEvent{ObjectOld: alias("4"), ObjectNew: alias("5")}) {
		t.Error("an own write is an edge")
	}
	if !passes.Update(event.UpdateEvent{ObjectOld: alias("5"), ObjectNew: alias("6")}) {
		t.Error("what somebody else wrote is no edge")
	}
	if !passes.Create(event.CreateEvent{Object: alias("5")}) || !passes.Delete(event.DeleteEvent{Object: alias("5")}) {
		t.Error("a creation or a deletion is no edge")
	}
}
