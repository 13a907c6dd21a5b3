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
	details.News("uid", now)
	for i := range 2 {
		if !details.Allow("uid", now) {
			t.Errorf("after a change of state, which said something, further text %d of two is refused", i+1)
		}
	}
	if details.Allow("uid", now) {
		t.Error("a third is written at once")
	}
}
