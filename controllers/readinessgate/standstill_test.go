package readinessgate

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/aliascheck/aliascheck/internal/status"
)

// I3: no conflict would stop the patch of a pod, which is for any version.
func TestI3AProcessThatStoodStillForLongerThanALeaderMayPatchesNoPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10 * time.Second
		clock := clocktesting.NewFakePassiveClock(time.Now())
		standstill := &status.Standstill{Clock: clock, Limit: limit}
		ended := make(chan error, 1)
		go func() { ended <- standstill.Start(t.Context()) }()
		synctest.Wait()
		clock.SetTime(clock.Now().Add(limit + time.Millisecond))
		gates := &Reconciler{Clock: clock, Standstill: standstill} // without a client: a patch would panic
		refused := func() bool {
			err := gates.write(t.Context(), nil, make([]corev1.PodCondition, 1), clock.Now())
			return errors.Is(err, status.ErrObservationTooOld)
		}
		if !refused() {
			t.Error("it patches ahead of the next beat")
		}
		if err := <-ended; err == nil {
			t.Error("it goes on after the standstill")
		}
		if !refused() {
			t.Error("it patches after the next beat")
		}
	})
}

func TestI3AnObservationThatGrewOldIsNotPatched(t *testing.T) {
	gates := &Reconciler{Clock: clocktesting.NewFakePassiveClock(time.Now())} // without a client: a patch would panic
	old := gates.Clock.Now().Add(-status.MaxObservationAge - time.Second)
	if err := gates.write(t.Context(), nil, make([]corev1.PodCondition, 1), old); !errors.Is(err, status.ErrObservationTooOld) {
		t.Errorf("patching an observation of %s ago gives %v, want %v", gates.Clock.Since(old), err, status.ErrObservationTooOld)
	}
}
