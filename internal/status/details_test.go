package status

import (
	"testing"
	"time"
)

func TestDetailsAreNewsAgainOnceSomethingElseHasChanged(t *testing.T) {
	details, now := NewDetails(), time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for i := range 3 {
		if !details.Allow("uid", now) {
			t.Fatalf("write %d of three is refused", i+1)
		}
	}
	if details.Allow("uid", now) {
		t.Error("a fourth is written at once")
	}
	details.News("uid")
	for i := range 3 {
		if !details.Allow("uid", now) {
			t.Errorf("after a change of state, text %d of three is refused", i+1)
		}
	}
	if details.Allow("uid", now) {
		t.Error("a fourth is written at once after a change of state")
	}
}
