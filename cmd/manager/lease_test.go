package main

import (
	"testing"

	"github.com/aliascheck/aliascheck/internal/status"
)

// I3, where two may have led: only one kind of write, that of a pod's conditions, would not be refused by its version.
func TestWhatALeaderBeganToWriteArrivesBeforeAnotherMayLead(t *testing.T) {
	if last := leaderRenewDeadline + status.MaxObservationAge; last > leaseDuration {
		t.Errorf("its last write may arrive after %s, and another leads after %s", last, leaseDuration)
	}
}
