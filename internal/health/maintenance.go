package health

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Maintenance is whether something is in maintenance at a moment, why, and when that changes by itself.
type Maintenance struct {
	In     bool
	Reason string
	// Changes is when to look again; zero where nothing changes by itself.
	Changes time.Time
}

// MaintenanceAt is that of a HealthCheck: by its spec, by annotation, or by the first of its windows that is open.
func MaintenanceAt(check *v1alpha1.HealthCheck, now time.Time) Maintenance {
	var changes time.Time
	for _, m := range []Maintenance{
		bySpec(check.Spec.Maintenance, now),
		AnnotatedMaintenance(check.Annotations, now),
		byWindows(check.Spec.MaintenanceWindows, now),
	} {
		if m.In {
			return m
		}
		changes = earlier(changes, m.Changes)
	}
	return Maintenance{Changes: changes}
}

// InTime shortens a wait so that it is over when a maintenance of the check begins or ends.
func InTime(check *v1alpha1.HealthCheck, wait time.Duration, now time.Time) time.Duration {
	changes := MaintenanceAt(check, now).Changes
	if changes.IsZero() {
		return wait
	}
	return max(min(wait, changes.Sub(now)), time.Millisecond)
}

func bySpec(maintenance *v1alpha1.Maintenance, now time.Time) Maintenance {
	switch {
	case maintenance == nil:
		return Maintenance{}
	case maintenance.Until == nil:
		return Maintenance{In: true, Reason: maintenance.Reason}
	default:
		return until(maintenance.Reason, maintenance.Until.Time, now)
	}
}

// AnnotatedMaintenance is that of an object with these annotations. An end that cannot be read is told, and ends nothing.
func AnnotatedMaintenance(annotations map[string]string, now time.Time) Maintenance {
	reason, in := maintenanceAnnotation(annotations)
	if !in {
		return Maintenance{}
	}
	text, ends := annotations[v1alpha1.AnnotationMaintenanceUntil]
	if !ends {
		return Maintenance{In: true, Reason: reason}
	}
	end, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil {
		return Maintenance{In: true, Reason: fmt.Sprintf(
			"%s (no end: %s is %q, and must be a time such as 2026-12-01T06:00:00Z)",
			reason, v1alpha1.AnnotationMaintenanceUntil, bounded(text, 64))}
	}
	return until(reason, end, now)
}

// until names the end, and counts nothing down: a lasting state is written once.
func until(reason string, end, now time.Time) Maintenance {
	if !now.Before(end) {
		return Maintenance{}
	}
	return Maintenance{In: true, Reason: fmt.Sprintf("%s (until %s)", reason, end.Format(time.RFC3339)), Changes: end}
}

// byWindows is the first window that is open, or when the next one opens. One that cannot be read never does.
func byWindows(windows []v1alpha1.MaintenanceWindow, now time.Time) Maintenance {
	var next time.Time
	for i := range windows {
		schedule, zone, err := scheduleOf(&windows[i])
		if err != nil {
			continue
		}
		w := window{schedule, windows[i].Duration.Duration}
		start, end := w.at(now.In(zone))
		switch {
		case start.IsZero(): // such as the 30th of February
		case start.After(now):
			next = earlier(next, start)
		case end.IsZero():
			return Maintenance{In: true, Reason: windows[i].Reason, Changes: now.Add(w.duration)}
		default:
			return until(windows[i].Reason, end, now)
		}
	}
	return Maintenance{Changes: next}
}

// scheduleOf reads the schedule as a CronJob's controller does. Without a time zone it is in UTC.
func scheduleOf(w *v1alpha1.MaintenanceWindow) (cron.Schedule, *time.Location, error) {
	zone, err := zoneOf(w.TimeZone)
	if err != nil {
		return nil, nil, fmt.Errorf("reading timeZone: %w", err)
	}
	schedule, err := cron.ParseStandard(w.Schedule)
	if err != nil {
		return nil, nil, fmt.Errorf("reading schedule: %w", err)
	}
	return schedule, zone, nil
}

// zones are those that were read: a file each, and they do not change while a process runs.
var zones sync.Map

// zoneOf is the time zone of a name; UTC of none.
func zoneOf(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, zone)
	}
	return zone, err
}

// window is open for a while from each time of a schedule on. It is a time of so many hours, whatever the clock on the wall
// does meanwhile.
type window struct {
	schedule cron.Schedule
	duration time.Duration
}

// mostRuns bounds how many windows that overlap are followed to the end of the last. Beyond that they have none.
const mostRuns = 1000

// at is the window that is open at a moment, or else the next one. Windows that overlap, or follow each other at once, are
// one; the end is zero where they go on and on.
func (w window) at(now time.Time) (start, end time.Time) {
	start = w.schedule.Next(now.Add(-w.duration))
	if start.IsZero() || start.After(now) {
		return start, end
	}
	last := start
	for range mostRuns {
		end = last.Add(w.duration)
		next := w.schedule.Next(last)
		if next.IsZero() || next.After(end) {
			return start, end
		}
		last = next
	}
	return start, time.Time{}
}

// earlier is the earlier of two times, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
