// Package healthcheck probes HealthChecks when they are due, and keeps their status.
//
//	get → saw → probe → show → requeue
//
// Reconcile reads a check, tells its ledger, starts a probe if one is due, writes the status if the API has another than
// the ledger, and asks for the next look. Probes run beside the queue, in internal/runner; the end of one is counted in the
// ledger, and wakes the key only if there is something to write. All that one process knows of a check is in its ledger,
// see internal/ledger: losing it in a restart changes no state.
package healthcheck
