package controllers

import (
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
		{"an edited check that was slow", 1, v1alpha1.StateCritical, 3, remembered{probed: true, slow: true}, false},
		{"a check that answers", 2, v1alpha1.StatePassing, 0, remembered{probed: true}, false},
		{"a check that fails at once", 2, v1alpha1.StateCritical, 3, remembered{probed: true}, false},
		{"a check that hangs", 2, v1alpha1.StateCritical, 3, remembered{probed: true, slow: true}, true},
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
	var release func()
	for i := range 6 {
		var ok bool
		if release, ok = slots.try(check, hangs); !ok {
			t.Fatalf("slow probe %d of 8 workers has no slot", i+1)
		}
	}
	if _, ok := slots.try(check, hangs); ok {
		t.Error("a seventh slow probe has a slot")
	}
	if _, ok := slots.try(check, answers); !ok {
		t.Error("a quick probe has to wait for a slot")
	}
	release()
	if _, ok := slots.try(check, hangs); !ok {
		t.Error("there is no slot after one was given back")
	}
}
