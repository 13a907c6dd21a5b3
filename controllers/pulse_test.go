package controllers

import (
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestAStandstillOfTheProcessIsNoticedWhoeverRunsFirstAfterIt(t *testing.T) {
	start := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	clock := clocktesting.NewFakePassiveClock(start)
	p := newPulse(clock)
	if p.stoodSince(start) {
		t.Error("it stood still before its first beat")
	}
	p.beat()
	clock.SetTime(start.Add(maxObservationAge))
	if p.stoodSince(start) {
		t.Error("late beats are taken for a standstill")
	}
	p.beat()

	resumed := clock.Now().Add(maxObservationAge + time.Second)
	clock.SetTime(resumed)
	if !p.stoodSince(start) {
		t.Error("a standstill is not noticed ahead of the beat")
	}
	p.beat()
	if !p.stoodSince(start) {
		t.Error("a standstill is not noticed after the beat")
	}
	if p.stoodSince(resumed) {
		t.Error("what began after the standstill is held to be older")
	}
}
