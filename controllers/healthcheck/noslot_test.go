package healthcheck

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func TestTheGraceBeginsWithTheProbeThatIsBrokenOffForWantOfASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		for range cap(s.slots) {
			s.slots <- struct{}{} // another slow probe
		}
		s.prober.probes(unreadJob("a"))
		s.prober.meanwhile = func(ctx context.Context) { <-ctx.Done() }
		s.reconcileWhenDue()
		began := s.clock.Now()
		if since := s.Grace.Since(s.shown(), began.Add(time.Hour)); !since.Equal(began) {
			t.Errorf("the grace begins %s after the probe", since.Sub(began))
		}
	})
}

func TestWhatIsCriticalStaysSoWithoutASlot(t *testing.T) {
	for before, after := range map[v1alpha1.State]v1alpha1.State{
		v1alpha1.StateCritical: v1alpha1.StateCritical,
		v1alpha1.StateWarning:  v1alpha1.StateUnknown,
		v1alpha1.StatePassing:  v1alpha1.StateUnknown,
	} {
		t.Run(string(before), func(t *testing.T) {
			s := newScene(t)
			check := s.shown()
			check.Status.State = before
			if err := s.api.Status().Update(t.Context(), check); err != nil {
				t.Fatal(err)
			}
			for range cap(s.slots) {
				s.slots <- struct{}{}
			}
			s.remembered().felt(check, true)
			s.reconcileWhenDue()
			s.expectState(before)
			s.clock.SetTime(s.clock.Now().Add(health.ReadGrace))
			s.reconcile()
			s.expectState(after)
		})
	}
}
