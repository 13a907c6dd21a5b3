package healthcheck

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

var (
	noisy = types.NamespacedName{Namespace: "noisy", Name: "web"}
	quiet = types.NamespacedName{Namespace: "quiet", Name: "web"}
)

// A worker that waited for the API server would be missing where probes are started.
func TestNoWorkerWaitsForAPlaceAtTheAPIServer(t *testing.T) {
	var woken []types.NamespacedName
	c := newCalls(1, func(check types.NamespacedName) { woken = append(woken, check) })
	err := c.do(noisy, false, func() error {
		return c.do(quiet, false, func() error {
			t.Error("there are two calls at once")
			return nil
		})
	})
	if !errors.Is(err, errBusy) {
		t.Errorf("beside as many calls as there may be it says %v, want %v", err, errBusy)
	}
	if len(woken) != 1 || woken[0] != quiet {
		t.Errorf("after them %v is woken, want %v", woken, quiet)
	}
	if err := c.do(quiet, false, func() error { return nil }); err != nil {
		t.Errorf("then it says %v", err)
	}
}

func TestWhatAUserHasJustChangedDoesNotWaitForOthers(t *testing.T) {
	c, urgent := newCalls(1, func(types.NamespacedName) {}), false
	_ = c.do(noisy, false, func() error {
		return c.do(quiet, true, func() error { urgent = true; return nil })
	})
	if !urgent {
		t.Error("it waits")
	}
}

func TestACheckThatHasNothingToCallForAnyLongerKeepsNoPlace(t *testing.T) {
	c := newCalls(1, func(types.NamespacedName) {})
	_ = c.do(noisy, false, func() error {
		return c.do(quiet, false, func() error { return nil })
	})
	c.leave(quiet) // it was woken
	if err := c.do(noisy, false, func() error { return nil }); err != nil {
		t.Errorf("the place is kept: %v", err)
	}
}
