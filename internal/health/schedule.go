package health

import (
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Schedule spreads the probes of a check over time: it is due at every instant that is Phase after a
// multiple of Interval since the epoch. It needs no state, so every replica computes the same instants,
// and 10,000 checks of one interval are as many different phases.
type Schedule struct {
	Interval time.Duration
	Phase    time.Duration
}

// ScheduleFor is the schedule of the object with this UID.
func ScheduleFor(uid types.UID, interval time.Duration) Schedule {
	h := fnv.New64a()
	_, _ = h.Write([]byte(uid)) // a hash never fails to write
	return Schedule{Interval: interval, Phase: time.Duration(h.Sum64() % uint64(interval))}
}

// After is the first due time later than t.
func (s Schedule) After(t time.Time) time.Time {
	sinceDue := (time.Duration(t.UnixNano()) - s.Phase) % s.Interval
	if sinceDue < 0 {
		sinceDue += s.Interval
	}
	return t.Add(s.Interval - sinceDue)
}

// Early shortens a wait by up to a tenth, by the phase of the object: resyncs of many objects spread, and
// none is late.
func Early(uid types.UID, wait time.Duration) time.Duration {
	tenth := wait / 10
	if tenth <= 0 {
		return wait
	}
	return wait - ScheduleFor(uid, tenth).Phase
}
