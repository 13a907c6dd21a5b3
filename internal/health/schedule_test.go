package health_test

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/health"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestDueTimesAreOneIntervalApartAndTheSameForEveryReplica(t *testing.T) {
	schedule := health.ScheduleFor("5f2c", 10*time.Second)
	first := schedule.After(noon)
	if wait := first.Sub(noon); wait <= 0 || wait > 10*time.Second {
		t.Errorf("the first due time is %s away, want at most an interval", wait)
	}
	if second := schedule.After(first); second.Sub(first) != 10*time.Second {
		t.Errorf("the due times %s and %s are not an interval apart", first, second)
	}
	if again := health.ScheduleFor("5f2c", 10*time.Second).After(noon.Add(time.Nanosecond)); !again.Equal(first) {
		t.Errorf("another replica computes %s, want %s", again, first)
	}
}

func TestPhasesSpreadOverTheInterval(t *testing.T) {
	const checks, buckets = 10_000, 10
	var perBucket [buckets]int
	for i := range checks {
		wait := health.ScheduleFor(types.UID(fmt.Sprintf("uid-%d", i)), 10*time.Second).After(noon).Sub(noon)
		perBucket[int((wait-1)/time.Second)]++
	}
	for second, n := range perBucket {
		if n < checks/buckets/2 || n > checks/buckets*2 {
			t.Errorf("second %d of the interval has %d of %d probes", second, n, checks)
		}
	}
}

func TestAResyncIsUpToATenthEarlyAndNeverLate(t *testing.T) {
	for i := range 1000 {
		wait := health.Early(types.UID(fmt.Sprintf("uid-%d", i)), time.Minute)
		if wait > time.Minute || wait < 54*time.Second {
			t.Fatalf("the resync comes after %s, want 54s to 1m", wait)
		}
	}
	if wait := health.Early("5f2c", 5); wait != 5 {
		t.Errorf("a wait too short to divide is %s, want it unchanged", wait)
	}
}
