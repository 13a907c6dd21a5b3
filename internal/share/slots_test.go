package share

import "testing"

// takes lets checks of a namespace ask for slots, and is how many have one.
func takes(l *Slots, namespace string, many int) int {
	have := 0
	for i := range many {
		if l.Take(in(namespace, i)) {
			have++
		}
	}
	return have
}

func TestANamespaceThatIsAloneHasAllSlotsButTheLastQuarterOfThoseThatAreHeldForLong(t *testing.T) {
	if have := takes(NewSlots(48), "noisy", 64); have != 48 {
		t.Errorf("64 checks have %d slots, want 48", have)
	}
	long := NewLongSlots(48)
	if have := takes(long, "noisy", 64); have != 36 || !long.OverShare("noisy") {
		t.Errorf("64 checks have %d slots that are held for long, want 36", have)
	}
	if !long.Take(in("quiet", 0)) {
		t.Error("who comes then has none")
	}
	if have := takes(NewLongSlots(1), "noisy", 64); have != 1 {
		t.Errorf("64 checks have %d slots of one", have)
	}
}

func TestTheLastQuarterIsForThoseWhoHoldLessThanTheirShare(t *testing.T) {
	l := NewLongSlots(48)
	takes(l, "noisy", 36)
	if !l.Take(in("quiet", 0)) {
		t.Fatal("the first of another namespace has no slot")
	}
	if l.Take(in("noisy", 40)) {
		t.Error("the noisy namespace takes one of the last quarter")
	}
	if have := takes(l, "loud", 64); have != 11 {
		t.Errorf("a third namespace has %d slots, want the 11 that are left: its share is 12", have)
	}
	if !l.OverShare("noisy") || l.OverShare("quiet") {
		t.Error("the noisy namespace is not over its share")
	}
}

func TestASlotThatIsGivenBackIsKeptForWhoWaitsAndHoldsTheFewest(t *testing.T) {
	l := NewSlots(48)
	takes(l, "noisy", 64) // 16 of them wait
	quiet := in("quiet", 0)
	if l.Take(quiet) {
		t.Fatal("a slot was free")
	}
	if next := l.GiveBack("noisy"); len(next) != 1 || next[0] != quiet {
		t.Fatalf("the slot is kept for %v, want %v", next, quiet)
	}
	if l.Take(in("noisy", 99)) || l.Take(in("late", 0)) {
		t.Error("somebody else takes it")
	}
	if !l.Take(quiet) {
		t.Error("it was not kept")
	}
}

func TestOfTwoThatWaitWhoseNamespaceHoldsFewerIsTheNext(t *testing.T) {
	l := NewSlots(8)
	takes(l, "noisy", 7)
	takes(l, "loud", 2) // one of them waits
	quiet := in("quiet", 0)
	l.Take(quiet)
	if next := l.GiveBack("noisy"); len(next) != 1 || next[0] != quiet {
		t.Errorf("the slot is kept for %v, want %v", next, quiet)
	}
}

func TestOfOneNamespaceTheFirstThatWaitsIsTheNext(t *testing.T) {
	l := NewSlots(1)
	takes(l, "shop", 3)
	for i := range 2 {
		if next := l.GiveBack("shop"); len(next) != 1 || next[0] != in("shop", i+1) || !l.Take(next[0]) {
			t.Errorf("after the end of %d the next is %v", i, next)
		}
	}
}

func TestWhoLeavesLeavesNothingBehind(t *testing.T) {
	l := NewSlots(2)
	takes(l, "shop", 4)
	if next := l.Leave(in("shop", 2)); len(next) != 0 {
		t.Errorf("without a free slot %v may go on", next)
	}
	kept := l.GiveBack("shop")
	if len(kept) != 1 || kept[0] != in("shop", 3) {
		t.Fatalf("the slot is kept for %v", kept)
	}
	l.Leave(kept[0])
	l.GiveBack("shop")
	if l.used != 0 || l.waiting != 0 || len(l.members) != 0 || len(l.kept) != 0 {
		t.Errorf("there is something left: %+v", l)
	}
}

func TestChecksThatComeAndGoLeaveNothingInTheOrder(t *testing.T) {
	s := NewSlots(1)
	takes(s, "shop", 3)
	for range 10_000 {
		s.Leave(in("shop", 1))
		s.Take(in("shop", 1))
	}
	if places := len(s.members["shop"].order); places > 100 {
		t.Errorf("two wait, in an order of %d places", places)
	}
}
