package health

import "time"

const (
	// dampedAtOnce is how often text that alone changes is written at once, and dampedEvery how often after that.
	dampedAtOnce = 3
	dampedEvery  = time.Minute
)

// Damper bounds how often text that others choose is written while nothing else changes: the message of a heartbeat or of a
// condition, counts below a threshold. It is written three times at once, and after that its newest version once a minute at most
// (Consul has check_update_interval for this).
type Damper struct {
	// paidUntil is a minute further in the future for each write beyond one a minute.
	paidUntil time.Time
}

// Allow reports whether to write now, and takes it as written.
func (d *Damper) Allow(now time.Time) bool {
	if d.Rested(now) {
		d.paidUntil = now
	}
	if d.paidUntil.Sub(now) > (dampedAtOnce-1)*dampedEvery {
		return false
	}
	d.paidUntil = d.paidUntil.Add(dampedEvery)
	return true
}

// Rested reports whether it has no memory of writes, as a new one.
func (d *Damper) Rested(now time.Time) bool { return d.paidUntil.Before(now) }
