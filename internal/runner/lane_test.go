package runner

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func check(namespace string, i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
}

// takes lets checks of a namespace ask for slots, and is how many have one.
func takes(l *lane, namespace string, many int) int {
	have := 0
	for i := range many {
		if l.take(check(namespace, i)) {
			have++
		}
	}
	return have
}

func TestANamespaceThatIsAloneMayHaveAllSlots(t *testing.T) {
	if have := takes(newLane(48), "noisy", 64); have != 48 {
		t.Errorf("64 checks have %d slots, want 48", have)
	}
}

func TestTheLastQuarterIsForThoseWhoHoldLessThanTheirShare(t *testing.T) {
	l := newLane(48)
	takes(l, "noisy", 36)
	if !l.take(check("quiet", 0)) {
		t.Fatal("the first of another namespace has no slot")
	}
	if l.take(check("noisy", 40)) {
		t.Error("the noisy namespace takes one of the last quarter")
	}
	if have := takes(l, "loud", 64); have != 11 {
		t.Errorf("a third namespace has %d slots, want the 11 that are left: its share is 16", have)
	}
	if !l.overShare("noisy") || l.overShare("quiet") {
		t.Error("the noisy namespace is not over its share")
	}
}

func TestASlotThatIsGivenBackIsKeptForWhoWaitsAndHoldsTheFewest(t *testing.T) {
	l := newLane(48)
	takes(l, "noisy", 64) // 16 of them wait
	quiet := check("quiet", 0)
	if l.take(quiet) {
		t.Fatal("a slot was free")
	}
	if next := l.giveBack("noisy"); len(next) != 1 || next[0] != quiet {
		t.Fatalf("the slot is kept for %v, want %v", next, quiet)
	}
	if l.take(check("noisy", 99)) || l.take(check("late", 0)) {
		t.Error("somebody else takes it")
	}
	if !l.take(quiet) {
		t.Error("it was not kept")
	}
}

func TestOfTwoThatWaitWhoseNamespaceHoldsFewerIsTheNext(t *testing.T) {
	l := newLane(8)
	takes(l, "noisy", 7)
	takes(l, "loud", 2) // one of them waits
	quiet := check("quiet", 0)
	l.take(quiet)
	if next := l.giveBack("noisy"); len(next) != 1 || next[0] != quiet {
		t.Errorf("the slot is kept for %v, want %v", next, quiet)
	}
}

func TestOfOneNamespaceTheFirstThatWaitsIsTheNext(t *testing.T) {
	l := newLane(1)
	takes(l, "shop", 3)
	for i := range 2 {
		if next := l.giveBack("shop"); len(next) != 1 || next[0] != check("shop", i+1) || !l.take(next[0]) {
			t.Errorf("after the end of %d the next is %v", i, next)
		}
	}
}

func TestWhoLeavesLeavesNothingBehind(t *testing.T) {
	l := newLane(2)
	takes(l, "shop", 4)
	if next := l.leave(check("shop", 2)); len(next) != 0 {
		t.Errorf("without a free slot %v may go on", next)
	}
	kept := l.giveBack("shop")
	if len(kept) != 1 || kept[0] != check("shop", 3) {
		t.Fatalf("the slot is kept for %v", kept)
	}
	l.leave(kept[0])
	l.giveBack("shop")
	if l.used != 0 || l.waiting != 0 || len(l.members) != 0 || len(l.kept) != 0 {
		t.Errorf("there is something left: %+v", l)
	}
}
