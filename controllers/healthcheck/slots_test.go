package healthcheck

import (
	"context"
	"errors"
	"runtime"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestOnlySlowProbesNeedASlot(t *testing.T) {
	for _, row := range []struct {
		check    string
		observed int64
		state    v1alpha1.State
		failures int32
		memory   remembered
		slow     bool
	}{
		{"a new check", -1, v1alpha1.StateUnknown, 0, remembered{}, false},
		{"an edited check that was slow", 1, v1alpha1.StateCritical, 3, remembered{probed: true, slow: true, slowOf: 1}, false},
		{"a check that answers", 2, v1alpha1.StatePassing, 0, remembered{probed: true}, false},
		{"a check that fails at once", 2, v1alpha1.StateCritical, 3, remembered{probed: true}, false},
		{"a check that hangs", 2, v1alpha1.StateCritical, 3, remembered{probed: true, slow: true, slowOf: 2}, true},
		{"a new check that was broken off", -1, v1alpha1.StateUnknown, 0, remembered{slow: true, slowOf: 2}, true},
		{"after a restart, a check that passes", 2, v1alpha1.StatePassing, 0, remembered{}, false},
		{"after a restart, a check that has begun to fail", 2, v1alpha1.StatePassing, 1, remembered{}, true},
		{"after a restart, a check that fails", 2, v1alpha1.StateCritical, 3, remembered{}, true},
	} {
		check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Generation: 2}}
		check.Status.ObservedGeneration, check.Status.State = row.observed, row.state
		check.Status.ConsecutiveFailures = row.failures
		if slow := probablySlow(check, &row.memory); slow != row.slow {
			t.Errorf("%s is thought slow: %t, want %t", row.check, slow, row.slow)
		}
	}
}

func TestSlowProbesLeaveAQuarterOfTheWorkersToOthers(t *testing.T) {
	slots := slotsOf(8)
	check, hangs, answers := &v1alpha1.HealthCheck{}, &remembered{probed: true, slow: true}, &remembered{probed: true}
	var last *slot
	for i := range 6 {
		if last = slots.try(check, hangs); last == nil {
			t.Fatalf("slow probe %d of 8 workers has no slot", i+1)
		}
	}
	if slots.try(check, hangs) != nil {
		t.Error("a seventh slow probe has a slot")
	}
	if slots.try(check, answers) == nil {
		t.Error("a quick probe has to wait for a slot")
	}
	last.release()
	if slots.try(check, hangs) == nil {
		t.Error("there is no slot after one was given back")
	}
}

func TestAProbeThatTurnsOutToBeSlowNeedsASlotFromThenOn(t *testing.T) {
	slots := slotsOf(1)
	check, quick := &v1alpha1.HealthCheck{}, &remembered{probed: true}
	first, second := slots.try(check, quick), slots.try(check, quick)
	if !first.take() {
		t.Fatal("there is no slot for the first")
	}
	ctx, free := second.bound(t.Context(), 0)
	defer free()
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), errNoSlot) {
		t.Errorf("it ended for %v, want %v", context.Cause(ctx), errNoSlot)
	}

	first.release()
	third := slots.try(check, quick)
	ctx, free = third.bound(t.Context(), 0)
	for len(slots) == 0 {
		runtime.Gosched()
	}
	if ctx.Err() != nil {
		t.Errorf("with a free slot it ended for %v", context.Cause(ctx))
	}
	free()
	third.release()
	if len(slots) != 0 || !third.take() {
		t.Error("a probe that has ended holds a slot, or needs one")
	}
}
