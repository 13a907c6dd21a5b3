package health_test

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

var everyState = []v1alpha1.State{
	v1alpha1.StatePassing, v1alpha1.StateWarning, v1alpha1.StateMaintenance, v1alpha1.StateUnknown, v1alpha1.StateCritical,
}

// A due time is later than now, by one interval at most, and is the same whenever in between it is asked for.
func FuzzSchedule(f *testing.F) {
	f.Add("uid", int64(10*time.Second), int64(1_700_000_000_000_000_000))
	f.Add("", int64(time.Second), int64(-1))
	f.Add("6f1c", int64(24*time.Hour), int64(0))
	f.Fuzz(func(t *testing.T, uid string, interval, now int64) {
		if interval < int64(time.Second) || interval > int64(24*time.Hour) || now < 0 || now > 1<<62 {
			return // no interval that the schema allows, or no time that a clock shows
		}
		schedule, at := health.ScheduleFor(types.UID(uid), time.Duration(interval)), time.Unix(0, now)
		due := schedule.After(at)
		if wait := due.Sub(at); wait <= 0 || wait > schedule.Interval {
			t.Errorf("due in %s, of an interval of %s", wait, schedule.Interval)
		}
		if again := schedule.After(due.Add(-1)); !again.Equal(due) {
			t.Errorf("1ns before it was due at %s, it is due at %s", due, again)
		}
		if next := schedule.After(due); next.Sub(due) != schedule.Interval {
			t.Errorf("the next due time is %s later, want %s", next.Sub(due), schedule.Interval)
		}
		early := health.Early(types.UID(uid), schedule.Interval)
		if early > schedule.Interval || early < schedule.Interval*9/10 {
			t.Errorf("a resync of %s is after %s", schedule.Interval, early)
		}
	})
}

// The worst wins, in any order of the members, in a message that is bounded.
func FuzzAggregate(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4}, "GET: 503")
	f.Add([]byte{3, 3, 3, 3}, "")
	f.Add([]byte{0}, "\xff\n\x00")
	f.Fuzz(func(t *testing.T, states []byte, message string) {
		if len(states) == 0 || len(states) > 200 {
			return
		}
		var members []health.Member
		worst := v1alpha1.StatePassing
		for i, drawn := range states {
			state := everyState[int(drawn)%len(everyState)]
			if slices.Index(everyState, state) > slices.Index(everyState, worst) {
				worst = state
			}
			members = append(members, health.Member{
				Kind: "HealthCheck", Namespace: "shop", Name: string(rune('a' + i)), State: state, Message: message,
			})
		}
		verdict, culprit := health.Aggregate(members, nil, "shop")
		if verdict.State != worst {
			t.Errorf("the worst of %v is %s, want %s", states, verdict.State, worst)
		}
		if culprit != nil && worst == v1alpha1.StatePassing {
			t.Errorf("%v is to blame for Passing", culprit)
		}
		if status := verdict.ApplyTo(v1alpha1.CheckStatus{}, 1, noon); len(status.Message) > v1alpha1.MaxMessageBytes {
			t.Errorf("a message of %d bytes", len(status.Message))
		}
		slices.Reverse(members)
		if reversed, _ := health.Aggregate(members, nil, "shop"); reversed != verdict {
			t.Errorf("in reverse it is %v, want %v", reversed, verdict)
		}
	})
}

// No sequence of results shows Passing after as many failures as the threshold, or makes a counter pass its own.
func FuzzThresholds(f *testing.F) {
	f.Add(uint8(1), uint8(0), uint8(3), []byte{0, 2, 2, 2})
	f.Add(uint8(3), uint8(1), uint8(3), []byte{2, 0, 1, 0, 2})
	f.Fuzz(func(t *testing.T, success, warning, failure uint8, results []byte) {
		thresholds := health.Thresholds{
			Success: int32(success%100) + 1, Warning: int32(warning % 101), Failure: int32(failure%100) + 1,
		}
		if thresholds.Warning > thresholds.Failure {
			return
		}
		drawn := []health.Outcome{outcomes['+'], outcomes['~'], outcomes['-']}
		var standing health.Standing
		failures, successes := int32(0), int32(0)
		for _, result := range results {
			outcome := drawn[int(result)%len(drawn)]
			if outcome == outcomes['-'] {
				failures, successes = failures+1, 0
			} else {
				failures, successes = 0, successes+1
			}
			standing, _ = thresholds.Next(standing, outcome)
			if failures >= thresholds.Failure && standing.State != v1alpha1.StateCritical {
				t.Fatalf("%s after %d failures of %+v", standing.State, failures, thresholds)
			}
			if successes >= thresholds.Success && standing.State == v1alpha1.StateCritical {
				t.Fatalf("Critical after %d successes of %+v", successes, thresholds)
			}
		}
	})
}
