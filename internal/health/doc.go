// Package health is the pure core: what a result does to a state, what several states make together, when
// a probe is due, and what a status says. It imports no client, no clock and no logger; time is an argument.
//
//	Thresholds.Next   a probe's outcome and the standing so far  →  the new standing
//	Schedule          the phase of a check and its last probe    →  when the next is due
//	Verdict.ApplyTo   what a check has to show, and its status   →  its new status
//
// The same inputs give the same output, so a reconcile that finds nothing new writes nothing.
package health
