// Package healthcheck probes HealthChecks when they are due, and keeps their status.
//
// The workqueue is the only scheduler. A probe runs inside Reconcile with its own deadline, and the next due
// time is the RequeueAfter; so two probes of one check never overlap, and there are no timers or goroutines
// per check to go wrong. An event consumes a pending RequeueAfter of its key, so every path through Reconcile
// computes the next due time anew.
//
// What this process remembers of its probes between reconciles, in probeMemory, says when to look next and what has been
// counted, and OwnWrites what it has written that the cache may lack still: losing both in a restart changes no state.
package healthcheck
