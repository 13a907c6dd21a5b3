package status

import (
	"sync"
	"time"

	"github.com/aliascheck/aliascheck/internal/health"
)

// pruneEvery is how often dampers that have rested are dropped: they are as good as new.
const pruneEvery = time.Minute

// Details bounds how often details of each object are written, see health.Damper.
type Details struct {
	mu sync.Mutex
	// byKey is guarded by mu. It has the objects of which details were written lately.
	byKey map[string]*health.Damper
	prune time.Time
}

// NewDetails knows no object yet.
func NewDetails() *Details { return &Details{byKey: map[string]*health.Damper{}} }

// Allow reports whether to write details of an object now.
func (d *Details) Allow(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.After(d.prune) {
		for other, damper := range d.byKey {
			if damper.Rested(now) {
				delete(d.byKey, other)
			}
		}
		d.prune = now.Add(pruneEvery)
	}
	damper := d.byKey[key]
	if damper == nil {
		damper = &health.Damper{}
		d.byKey[key] = damper
	}
	return damper.Allow(now)
}

// News takes note that something else of an object was written: what changes alone from then on is counted anew.
func (d *Details) News(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byKey, key)
}
