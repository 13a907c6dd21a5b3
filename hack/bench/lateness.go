package main

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/health"
)

// punctuality is how the probes of many checks kept to their due times.
type punctuality struct {
	// late is by how much the first probe at or after each due time came after it. Where none came, it is what was
	// waited for in vain.
	late []time.Duration
	// missed is how many due times passed without a probe until the next one, and inARow how many of those came right
	// after another of the same check.
	missed, inARow int
}

func (p *punctuality) add(o punctuality) {
	p.late = append(p.late, o.late...)
	p.missed += o.missed
	p.inARow += o.inARow
}

// punctualityOf judges the due times from one time to another. The arrivals have to reach one interval further.
func punctualityOf(seen []arrival, uids map[string]types.UID, interval time.Duration, from, to time.Time) punctuality {
	byCheck := map[string][]time.Time{}
	for _, a := range seen {
		byCheck[a.id] = append(byCheck[a.id], a.at)
	}
	var p punctuality
	for name, uid := range uids {
		p.add(punctualityOfOne(byCheck[name], health.ScheduleFor(uid, interval), from, to))
	}
	return p
}

// punctualityOfOne is about one check, whose arrivals are in order: a check is never probed twice at once.
func punctualityOfOne(came []time.Time, schedule health.Schedule, from, to time.Time) (p punctuality) {
	missedBefore := false
	for due := schedule.After(from); due.Before(to); due = due.Add(schedule.Interval) {
		for len(came) > 0 && came[0].Before(due) {
			came = came[1:]
		}
		lateness := schedule.Interval
		if len(came) > 0 {
			lateness = came[0].Sub(due)
		}
		p.late = append(p.late, lateness)
		missed := lateness >= schedule.Interval
		if missed {
			p.missed++
			if missedBefore {
				p.inARow++
			}
		}
		missedBefore = missed
	}
	return p
}
