package controllers

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestAStandstillOfTheProcessIsNoticedWhoeverRunsFirstAfterIt(t *testing.T) {
	start := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	clock := clocktesting.NewFakePassiveClock(start)
	p := &Pulse{Clock: clock}
	if p.stoodSince(start) {
		t.Error("it stood still before its first beat")
	}
	p.beat()
	clock.SetTime(start.Add(maxObservationAge))
	if p.stoodSince(start) {
		t.Error("late beats are taken for a standstill")
	}
	p.beat()

	resumed := clock.Now().Add(maxObservationAge + time.Second)
	clock.SetTime(resumed)
	if !p.stoodSince(start) {
		t.Error("a standstill is not noticed ahead of the beat")
	}
	p.beat()
	if !p.stoodSince(start) {
		t.Error("a standstill is not noticed after the beat")
	}
	if p.stoodSince(resumed) {
		t.Error("what began after the standstill is held to be older")
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
				p := &Pulse{Clock: clock, Limit: test.limit}
				ended := make(chan error, 1)
				go func() { ended <- p.Start(t.Context()) }()
				synctest.Wait()

				clock.SetTime(clock.Now().Add(test.stood))
				writer := &StatusWriter{Clock: clock, Pulse: p} // without a client: a write would panic
				gates := &ReadinessGateReconciler{Clock: clock, Pulse: p}
				refused := func() bool {
					before := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
					after := before.DeepCopy()
					after.Status.State = v1alpha1.StatePassing
					_, err := writer.Write(t.Context(), before, after, clock.Now())
					errOfGates := gates.write(t.Context(), nil, make([]corev1.PodCondition, 1), clock.Now())
					return errors.Is(err, ErrObservationTooOld) && errors.Is(errOfGates, ErrObservationTooOld)
				}
				if !test.ends {
					if !p.mayWrite() {
						t.Error("it may not write")
					}
					return
				}
				if !refused() {
					t.Error("it writes ahead of the next beat")
				}
				if err := <-ended; !errors.Is(err, ErrStoodStill) {
					t.Errorf("the pulse ended with %v, want %v", err, ErrStoodStill)
				}
				if !refused() {
					t.Error("it writes after the next beat")
				}
			})
		})
	}
}
