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
	details.Forget("uid")
	if !details.Allow("uid", now) {
		t.Error("after a change of state the first is refused")
	}
}
