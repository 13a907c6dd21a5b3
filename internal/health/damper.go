package health

import "time"

const (
	// dampedAtOnce is how often text that alone changes is written at once, and dampedEvery how often after that.
	dampedAtOnce = 3
	dampedEvery  = time.Minute
)

// Damper bounds how often what others choose is written while nothing else changes: a heartbeat's message, a condition's,
// counts below a threshold. It is written three times at once, and then once a minute at most, as it is then (Consul has
// check_update_interval for it).
type Damper struct {
	// paidUntil is in the future by a minute for each write that was more than one a minute.
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

// Rested reports whether it is as good as new.
func (d *Damper) Rested(now time.Time) bool { return d.paidUntil.Before(now) }
