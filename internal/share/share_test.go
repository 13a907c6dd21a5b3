package share

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func in(namespace string, i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
}

func TestWhatOneNamespaceWritesMakesItsOwnObjectsWaitAndNobodyElses(t *testing.T) {
	turns := NewTurns(10, 5)
	for i := range 5 {
		if wait := turns.Wait(in("noisy", i), noon); wait != 0 {
			t.Errorf("the burst is 5, and object %d waits for %s", i, wait)
		}
	}
	for i := range 20 {
		if wait, want := turns.Wait(in("noisy", 5+i), noon), time.Duration(i+1)*100*time.Millisecond; wait != want {
			t.Errorf("object %d waits for %s, want %s: ten have their turn each second", 5+i, wait, want)
		}
	}
	if wait := turns.Wait(in("quiet", 0), noon); wait != 0 {
		t.Errorf("another namespace waits for %s", wait)
	}
}

func TestAnObjectThatAsksAgainKeepsItsTurnAndUsesItOnce(t *testing.T) {
	turns := NewTurns(10, 1)
	turns.Wait(in("shop", 0), noon)
	if wait := turns.Wait(in("shop", 1), noon); wait != 100*time.Millisecond {
		t.Fatalf("it waits for %s, want 100ms", wait)
	}
	for range 3 { // an event of it comes before its turn
		if wait := turns.Wait(in("shop", 1), noon.Add(40*time.Millisecond)); wait != 60*time.Millisecond {
			t.Errorf("40ms later it waits for %s, want 60ms", wait)
		}
	}
	if wait := turns.Wait(in("shop", 1), noon.Add(100*time.Millisecond)); wait != 0 {
		t.Errorf("at its turn it waits for %s", wait)
	}
	if wait := turns.Wait(in("shop", 1), noon.Add(100*time.Millisecond)); wait != 100*time.Millisecond {
		t.Errorf("the next time it waits for %s, want 100ms", wait)
	}
}

func TestWhatIsRememberedOfNamespacesAndObjectsIsForgotten(t *testing.T) {
	turns := NewTurns(10, 1)
	for i := range 100 {
		turns.Wait(in("shop", i), noon)
	}
	later := noon.Add(time.Hour)
	turns.Wait(in("other", 0), later)
	if objects, namespaces := len(turns.locked.due), len(turns.buckets.locked.byNamespace); objects != 0 || namespaces > 1 {
		t.Errorf("%d objects and %d namespaces are remembered an hour later", objects, namespaces)
	}
}

func TestABucketThatIsOverdrawnIsEmptyUntilItsTokensHaveCome(t *testing.T) {
	buckets := NewBuckets(100, 1000)
	buckets.Spend("shop", 900, noon)
	if buckets.Empty("shop", noon) {
		t.Error("900 of 1,000 are spent, and it is empty")
	}
	buckets.Spend("shop", 600, noon)
	if !buckets.Empty("shop", noon.Add(4*time.Second)) || buckets.Empty("shop", noon.Add(5*time.Second)) {
		t.Error("it is 500 short, which come within 5s")
	}
	buckets.Spend("shop", 1_000_000, noon.Add(time.Hour)) // never more than it holds
	if buckets.Empty("shop", noon.Add(time.Hour)) {
		t.Error("a full bucket is empty after as much as it holds")
	}
}

func TestNoTurnsIsNoBound(t *testing.T) {
	var turns *Turns
	if wait := turns.Wait(in("shop", 0), noon); wait != 0 {
		t.Errorf("it waits for %s", wait)
	}
}
