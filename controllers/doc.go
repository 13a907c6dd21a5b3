// Package controllers keeps the status of HealthChecks and AliasChecks true. Both reconcilers have one shape:
//
//	get (from cache) → observe (I/O) → decide (pure) → write the status once, if it changed → requeue
//
// The workqueue is the only scheduler. A probe runs inside Reconcile with its own deadline, and the next due
// time is the RequeueAfter; so two probes of one check never overlap, and there are no timers or goroutines
// per check to go wrong. An event consumes a pending RequeueAfter of its key, so every path through Reconcile
// computes the next due time anew.
//
// A late writer is impossible by construction. The status is written as an update of the object that was read
// before observing, and carries its resourceVersion: after an edit, a recreation or another leader's write the
// API server answers 409, the result is dropped, and the check is looked at again. An observation that grew old
// on the way (a frozen process) is never written. What this process remembers of its probes between reconciles, in
// probeMemory, says when to look next and what has been counted, and OwnWrites what it has written that the cache may
// lack still: losing both in a restart changes no state.
package controllers
