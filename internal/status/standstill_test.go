package status

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestAStandstillOfTheProcessIsNoticedWhoeverRunsFirstAfterIt(t *testing.T) {
	start := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	clock := clocktesting.NewFakePassiveClock(start)
	p := &Standstill{Clock: clock}
	if p.StoodSince(start) {
		t.Error("it stood still before its first beat")
	}
	p.Beat()
	clock.SetTime(start.Add(MaxObservationAge))
	if p.StoodSince(start) {
		t.Error("late beats are taken for a standstill")
	}
	p.Beat()

	resumed := clock.Now().Add(MaxObservationAge + time.Second)
	clock.SetTime(resumed)
	if !p.StoodSince(start) {
		t.Error("a standstill is not noticed ahead of the beat")
	}
	p.Beat()
	if !p.StoodSince(start) {
		t.Error("a standstill is not noticed after the beat")
	}
	if p.StoodSince(resumed) {
		t.Error("what began after the standstill counts as older")
	}
}

// I3: whatever a leader reads from its caches after a standstill may be older than what its successor has shown.
func TestI3AProcessThatStoodStillForLongerThanALeaderMayWritesNothingAndEnds(t *testing.T) {
	const limit = 10 * time.Second
	for name, test := range map[string]struct {
		limit, stood time.Duration
		ends         bool
	}{
		"as long as it may": {limit, limit, false},
		"longer":            {limit, limit + time.Millisecond, true},
		"longer, but alone": {0, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := clocktesting.NewFakePassiveClock(time.Now())
				p := &Standstill{Clock: clock, Limit: test.limit}
				ended := make(chan error, 1)
				go func() { ended <- p.Start(t.Context()) }()
				synctest.Wait()

				clock.SetTime(clock.Now().Add(test.stood))
				writer := &Writer{Clock: clock, Standstill: p, Details: NewDetails()} // without a client: a write would panic
				refused := func() bool {
					before := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
					after := before.DeepCopy()
					after.Status.State = v1alpha1.StatePassing
					_, err := writer.Write(t.Context(), before, after, clock.Now())
					return errors.Is(err, ErrObservationTooOld)
				}
				if !test.ends {
					if !p.MayWrite() {
						t.Error("it may not write")
					}
					return
				}
				if !refused() {
					t.Error("it writes ahead of the next beat")
				}
				if err := <-ended; !errors.Is(err, ErrStoodStill) {
					t.Errorf("it ended with %v, want %v", err, ErrStoodStill)
				}
				if !refused() {
					t.Error("it writes after the next beat")
				}
			})
		})
	}
}
