// Package ledger holds what one process knows of one HealthCheck: as which version it was seen, what its status has to
// be, and when it is to be probed next. It imports no client, no clock and no prober, so each of its rules is a table
// test. It is told what happened, and says what to do:
//
//	Saw    the check was read: the same, edited, recreated, or with a status that somebody else wrote
//	Began  a probe of it began
//	Got    a probe ended: it counts once, or is of another identity and does not count
//	Wrote  the status was written, or that was tried
//	Next   what is to be done: read live, show a status, probe; and when to look again
//
// A result is counted once, in memory. Showing is level-triggered: where the API has another status than the ledger, that
// of the ledger is written. A write that had no answer is settled by a live read before the next one, so it is known which
// of the two is shown. A restart begins with the status of the API, and so changes no state without a new result (I6).
package ledger
