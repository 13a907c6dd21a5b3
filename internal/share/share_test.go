package share

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func in(namespace string, i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
}

func turnsOf(names ...types.NamespacedName) *Turns[types.NamespacedName] {
	turns := NewTurns(func(name types.NamespacedName) string { return name.Namespace })
	for _, name := range names {
		turns.Push(name)
	}
	return turns
}

func emptied(turns *Turns[types.NamespacedName]) (order []types.NamespacedName) {
	for turns.Len() > 0 {
		order = append(order, turns.Pop())
	}
	return order
}

func TestNamespacesTakeTurnsHoweverManyOneHas(t *testing.T) {
	turns := turnsOf(in("noisy", 0), in("noisy", 1), in("noisy", 2))
	turns.Push(in("quiet", 0))
	turns.Push(in("other", 0))
	want := []types.NamespacedName{in("noisy", 0), in("quiet", 0), in("other", 0), in("noisy", 1), in("noisy", 2)}
	if got := emptied(turns); !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
}

func TestWhoComesWhileOthersWaitIsNextAfterOneOfEach(t *testing.T) {
	turns := turnsOf()
	for i := range 10_000 {
		turns.Push(in("noisy", i))
	}
	turns.Pop()
	turns.Push(in("quiet", 0))
	turns.Pop()
	if got := turns.Pop(); got != in("quiet", 0) {
		t.Errorf("the second after it came is %v", got)
	}
}

func TestTheLatestOfTheNamespaceThatHasTheMostIsDropped(t *testing.T) {
	turns := turnsOf(in("noisy", 0), in("noisy", 1), in("quiet", 0))
	turns.DropLatest()
	if got, want := emptied(turns), []types.NamespacedName{in("noisy", 0), in("quiet", 0)}; !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
	if len(turns.waiting) != 0 || len(turns.order) != 0 {
		t.Errorf("an empty queue remembers %v and %v", turns.waiting, turns.order)
	}
}

func TestBucketsAreForgottenOnceTheyAreFull(t *testing.T) {
	buckets := NewBuckets(10, 100)
	buckets.Spend("shop", 100, noon)
	buckets.Spend("other", 1, noon.Add(time.Hour))
	if namespaces := len(buckets.locked.byNamespace); namespaces != 1 {
		t.Errorf("%d namespaces are remembered an hour later", namespaces)
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
