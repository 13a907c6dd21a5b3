package controllers

import (
	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// slots bounds the workers that slow probes may hold: three of four. However many targets hang, and for
// however long, the other checks find a worker.
type slots chan struct{}

func slotsOf(workers int) slots { return make(slots, max(workers*3/4, 1)) }

// try takes a slot for a probe of a check, if it is to be thought slow, and returns what to call when the probe
// has ended; ok is false where all are taken.
func (s slots) try(check *v1alpha1.HealthCheck, memory *remembered) (release func(), ok bool) {
	if !probablySlow(check, memory) {
		return func() {}, true
	}
	select {
	case s <- struct{}{}:
		return func() { <-s }, true
	default:
		return nil, false
	}
}

// probablySlow reports whether a probe of a check was slow the last time, or, where this process has not probed
// it yet, whether it may have been: it is failing. A new check and an edited one have the benefit of the doubt:
// what a user has just said does not wait.
func probablySlow(check *v1alpha1.HealthCheck, memory *remembered) bool {
	switch {
	case check.Status.ObservedGeneration != check.Generation:
		return false
	case memory.probed:
		return memory.slow
	default:
		return health.Worse(check.Status.State, v1alpha1.StateWarning) || check.Status.ConsecutiveFailures > 0
	}
}
