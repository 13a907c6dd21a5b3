package health

import (
	"testing"
	"time"
)

func TestTextIsWrittenThreeTimesAtOnceAndThenOnceAMinute(t *testing.T) {
	began := time.Unix(1_000_000, 0)
	var d Damper
	var written []time.Duration
	for after := time.Duration(0); after <= 3*time.Minute; after += time.Second {
		if d.Allow(began.Add(after)) {
			written = append(written, after)
		}
	}
	want := []time.Duration{0, time.Second, 2 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute}
	if len(written) != len(want) {
		t.Fatalf("of one text a second it writes those at %v, want %v", written, want)
	}
	for i := range want {
		if written[i] != want[i] {
			t.Errorf("write %d comes at %s, want %s", i+1, written[i], want[i])
		}
	}
	if later := began.Add(time.Hour); !d.Rested(later) || !d.Allow(later) || !d.Allow(later) || !d.Allow(later) || d.Allow(later) {
		t.Error("after an hour it does not write three at once again")
	}
}
