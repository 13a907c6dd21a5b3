// Package status is what the controllers share: how a status is written, once and never over a newer object (Writer); what
// this process wrote and its watch cache may still lack (OwnWrites); whether the process stood still, so that what it saw
// may be old (Standstill); how a result or an error becomes a requeue; and the metrics of states and of writes.
package status
