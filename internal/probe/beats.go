package probe

import (
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
)

// maxBeats is of how many Leases it is remembered when they were seen to change. Beyond it only their own time counts.
const maxBeats = 100_000

// beats remember when renewals were seen, as leader election does: the clock of a holder may be wrong.
type beats struct {
	mu sync.Mutex
	// last is the beat of a Lease, by its namespace and name.
	last *lru.Cache
}

// beat is the last renewal of a Lease that was seen.
type beat struct {
	uid types.UID
	// at is when the holder says that it renewed the Lease.
	at time.Time
	// first is when that was seen first, and last when it was seen last.
	first, last time.Time
	// change is how long before first the Lease was still seen as it had been; zero where it was not seen before.
	change time.Duration
}

func newBeats() *beats { return &beats{last: lru.New(maxBeats)} }

// saw remembers a Lease as it was read now.
func (b *beats) saw(name string, lease *coordinationv1.Lease, now time.Time) beat {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := beat{uid: lease.UID, first: now, last: now}
	if lease.Spec.RenewTime != nil {
		seen.at = lease.Spec.RenewTime.Time
	}
	if known, found := b.last.Get(name); found && known.(beat).uid == lease.UID {
		before := known.(beat)
		if before.at.Equal(seen.at) {
			seen.first, seen.change = before.first, before.change
		} else {
			seen.change = now.Sub(before.last)
		}
	}
	b.last.Add(name, seen)
	return seen
}

// renewed is when the Lease was renewed, as far as it is known. What was seen to change within the ttl was renewed then,
// whatever its holder's clock says. Otherwise the holder's word counts, but not beyond the time at which it was first
// seen: a renewal in the future would hold until then.
func (b beat) renewed(ttl time.Duration) time.Time {
	if b.change > 0 && b.change <= ttl || b.at.After(b.first) {
		return b.first
	}
	return b.at
}
