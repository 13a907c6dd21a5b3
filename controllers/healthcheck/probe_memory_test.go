package healthcheck

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func TestWhatWasDueInAHandOverIsDueStill(t *testing.T) {
	const uid, hour = types.UID("0c5d8a52-3a44-4d5e-8f0e-6c1d5be0a001"), time.Hour
	for name, row := range map[string]struct {
		interval, firstLook time.Duration
		probed              bool
		// late is how long after a due time the check is first seen, or was last looked at.
		late  time.Duration
		still bool
	}{
		"just before":                             {interval: 10 * time.Second, firstLook: hour, late: 999 * time.Millisecond, still: true},
		"longer ago":                              {interval: 10 * time.Second, firstLook: hour, late: 1001 * time.Millisecond},
		"of a long interval, just before":         {interval: hour, firstLook: hour, late: 999 * time.Millisecond, still: true},
		"of a long interval, longer ago":          {interval: hour, firstLook: hour, late: 1001 * time.Millisecond},
		"of a short interval, just before":        {interval: time.Second, firstLook: hour, late: 99 * time.Millisecond, still: true},
		"of a short interval, longer ago":         {interval: time.Second, firstLook: hour, late: 101 * time.Millisecond},
		"of a quick first look, just before":      {interval: hour, firstLook: time.Second, late: 99 * time.Millisecond, still: true},
		"of a quick first look, longer ago":       {interval: hour, firstLook: time.Second, late: 101 * time.Millisecond},
		"just before, but probed by this process": {interval: 10 * time.Second, firstLook: hour, late: time.Millisecond, probed: true},
	} {
		t.Run(name, func(t *testing.T) {
			check := &v1alpha1.HealthCheck{}
			check.UID = uid
			every(row.interval)(check)
			schedule := health.ScheduleFor(uid, min(row.interval, row.firstLook))
			due := schedule.After(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
			memory := &remembered{lookedAt: due.Add(row.late), probed: row.probed}
			want := due
			if !row.still {
				want = due.Add(schedule.Interval)
			}
			if got := memory.due(check, row.firstLook); !got.Equal(want) {
				t.Errorf("it is due %s after it was first seen, want %s", got.Sub(memory.lookedAt), want.Sub(memory.lookedAt))
			}
		})
	}
}

func TestAtAHandOverATenthOfTheChecksIsDueAtTheMost(t *testing.T) {
	const checks = 2000
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, interval := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		atOnce := 0
		for i := range checks {
			check := &v1alpha1.HealthCheck{}
			check.UID = types.UID(fmt.Sprintf("0c5d8a52-3a44-4d5e-8f0e-%012d", i))
			every(interval)(check)
			memory := &remembered{lookedAt: now}
			if due := memory.due(check, time.Minute); !due.After(now) {
				atOnce++
			} else if due.After(now.Add(interval)) {
				t.Fatalf("of an interval of %s it is due %s after it was first seen", interval, due.Sub(now))
			}
		}
		// The phases are as good as random, and so there may be a few more.
		if most := checks / 10 * 12 / 10; atOnce == 0 || atOnce > most {
			t.Errorf("of %d checks of an interval of %s %d are due at once, want 1 to %d", checks, interval, atOnce, most)
		}
	}
}

// A check that has been kept from being probed until it is Unknown is the latest of all, and a new one is not late.
func TestOnlyWhatWasToBeProbedAtItsPhaseIsLate(t *testing.T) {
	for _, row := range []struct {
		check     string
		observed  int64
		state     v1alpha1.State
		reason    string
		scheduled bool
	}{
		{"a check that passes", 2, v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded, true},
		{"a check that had no slot for long", 2, v1alpha1.StateUnknown, v1alpha1.ReasonReadError, true},
		{"a new check", 0, "", "", false},
		{"an edited check", 1, v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded, false},
		{"an edited check that had no slot for long", 1, v1alpha1.StateUnknown, v1alpha1.ReasonReadError, false},
		{"a check after a maintenance", 2, v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance, false},
	} {
		check := &v1alpha1.HealthCheck{}
		check.Generation, check.Status.ObservedGeneration = 2, row.observed
		check.Status.State, check.Status.Reason = row.state, row.reason
		memory := newProbeMemory().of(check, time.Now())
		if got := memory.scheduled(check); got != row.scheduled {
			t.Errorf("%s can be late: %t, want %t", row.check, got, row.scheduled)
		}
	}
}
