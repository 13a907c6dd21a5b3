// Package runner runs probes beside the workqueue: a goroutine for each that runs, and none for those that wait.
//
// It keeps three promises. Of one check there is one probe at a time: an obsolete one is ended before the next begins (I2).
// A probe that panics is a result like any other, and stops nothing else (I9). And what one namespace's slow probes cost,
// that namespace pays first: slots are shared, see share.Slots.
//
// It knows no checks and no clients: what a probe is, and what becomes of its result, is the caller's.
package runner
