package healthcheck

import (
	"errors"
	"testing"
)

// A worker that waited for the API server would be missing where probes are started.
func TestNoWorkerWaitsForAPlaceAtTheAPIServer(t *testing.T) {
	r := &Reconciler{calls: make(chan struct{}, 1)}
	err := r.call(false, func() error {
		return r.call(false, func() error {
			t.Error("there are two calls at once")
			return nil
		})
	})
	urgent := false
	_ = r.call(false, func() error { return r.call(true, func() error { urgent = true; return nil }) })
	if !urgent {
		t.Error("what a user has just changed waits for others")
	}
	if !errors.Is(err, errBusy) {
		t.Errorf("beside as many calls as there may be it says %v, want %v", err, errBusy)
	}
	if err := r.call(false, func() error { return nil }); err != nil {
		t.Errorf("after them it says %v", err)
	}
}
