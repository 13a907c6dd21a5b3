package jobs

import (
	"context"
	"errors"
	"testing"
)

func TestOneReaderAtATimeIsInANamespace(t *testing.T) {
	turns := newTurns()
	leaveShop, err := turns.take(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	leaveOther, err := turns.take(t.Context(), "other")
	if err != nil {
		t.Fatalf("another namespace waits too: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.take(gone, "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("a second reader of the namespace gets %v, want it to wait", err)
	}
	leaveShop()
	leaveAgain, err := turns.take(t.Context(), "shop")
	if err != nil {
		t.Errorf("after the first has left, the next gets %v", err)
	}
	leaveAgain()
	leaveOther()
	if len(turns.taken) != 0 {
		t.Errorf("%d namespaces are remembered, want none", len(turns.taken))
	}
}
