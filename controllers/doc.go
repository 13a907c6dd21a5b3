// Package controllers keeps the status of HealthChecks and AliasChecks true, and the readiness gates of pods: a folder a
// controller. All of them have one shape:
//
//	get (from cache) → observe (I/O) → decide (pure) → write the status once, if it changed → requeue
//
// A late writer is impossible by construction. The status is written as an update of the object that was read
// before observing, and carries its resourceVersion: after an edit, a recreation or another leader's write the
// API server answers 409, the result is dropped, and the check is looked at again. An observation that grew old
// on the way (a frozen process) is never written. What the controllers share is in internal/status.
//
// Here are the wiring of all of them, which the program and the specs share, and the specs, which share one control plane.
package controllers
