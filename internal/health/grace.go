package health

import (
	"errors"
	"fmt"
	"time"
)

// Grace is for how long a state stands that cannot be confirmed, because what it depends on cannot be read: the target of an
// alias, or what a probe needs of the API server. After that it is Unknown. Since when that is so is known to the process
// alone: a restart begins the grace again.
type Grace time.Duration

const (
	// ReadGrace is for what cannot be read.
	ReadGrace = Grace(2 * time.Minute)
	// SlotGrace is for a check without a slot. It is longer: a missing slot says nothing of the subject, and other namespaces
	// may hold the slots.
	SlotGrace = Grace(10 * time.Minute)
)

// ErrUnconfirmed says that what was read comes from a cache that could not be verified for the whole grace.
var ErrUnconfirmed = errors.New("lists and watches of what is read have failed")

// Left is for how much longer a state may stand that has not been confirmed since a time; zero or less if it may not.
func (g Grace) Left(since, now time.Time) time.Duration { return time.Duration(g) - now.Sub(since) }

// expired is ErrUnconfirmed if the grace of what has not been confirmed since a time is over; a zero time is of what has been.
func (g Grace) expired(since, now time.Time) error {
	if since.IsZero() || g.Left(since, now) > 0 {
		return nil
	}
	return fmt.Errorf("%w since %s", ErrUnconfirmed, since.Format(time.RFC3339))
}

// Confirmed is ErrUnconfirmed if what an observation was read from could not be verified for the whole grace. Of several members
// those become unread of which that is so.
func (o *Observation) Confirmed(grace Grace, now time.Time) error {
	if err := grace.expired(o.FailingSince, now); err != nil {
		return err
	}
	var all error
	for i := range o.Members {
		member := &o.Members[i]
		if err := grace.expired(member.FailingSince, now); err != nil {
			member.Unread, o.FailingSince = err, earlier(o.FailingSince, member.FailingSince)
			all = errors.Join(all, err)
		}
	}
	return all
}
