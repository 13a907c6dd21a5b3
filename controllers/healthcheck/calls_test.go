package healthcheck

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
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

func TestWhatIsOnlyNewIsNoEdit(t *testing.T) {
	for _, row := range []struct {
		generation, observed int64
		edited               bool
	}{{1, 0, false}, {1, 1, false}, {2, 1, true}, {2, 0, true}, {2, 2, false}} {
		check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Generation: row.generation}}
		check.Status.ObservedGeneration = row.observed
		if edited(check) != row.edited {
			t.Errorf("generation %d, of which it shows %d, is an edit: %t", row.generation, row.observed, !row.edited)
		}
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
