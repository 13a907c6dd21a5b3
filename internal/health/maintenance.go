package health

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/lru"

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

func bySpec(maintenance *v1alpha1.Maintenance, now time.Time) Maintenance {
	switch {
	case maintenance == nil:
		return Maintenance{}
	case maintenance.Until == nil:
		return Maintenance{In: true, Reason: maintenance.Reason}
	default:
		return until(maintenance.Reason, maintenance.Until.UTC(), now)
	}
}

// AnnotatedMaintenance is that of an object with these annotations. If the end cannot be read, the
// message says so, and nothing ends.
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

// windowFault names the first window that never opens, because its schedule or time zone is invalid. Admission cannot refuse them
// all, and the check goes on without that window.
func windowFault(windows []v1alpha1.MaintenanceWindow, now time.Time) *Resolution {
	for i := range windows {
		schedule, zone, err := scheduleOf(&windows[i])
		if err == nil && !schedule.Next(now.In(zone)).IsZero() {
			continue
		}
		why := fmt.Sprintf("the time %q never comes", windows[i].Schedule)
		if err != nil {
			why = err.Error()
		}
		return &Resolution{
			Status:  metav1.ConditionTrue,
			Reason:  v1alpha1.ReasonInvalidWindow,
			Message: fmt.Sprintf("spec.maintenanceWindows[%d] never opens: %s", i, why),
		}
	}
	return nil
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
	zone := zoneOf(w.TimeZone)
	if zone == nil {
		return nil, nil, fmt.Errorf("there is no time zone %q", w.TimeZone)
	}
	schedule, err := cron.ParseStandard(w.Schedule)
	if err != nil {
		return nil, nil, fmt.Errorf("the schedule %q cannot be read: %w", w.Schedule, err)
	}
	return schedule, zone, nil
}

// zones caches time zones: each is a file, and does not change while a process runs. Unknown names are cached too, since they take
// longest. It is bounded, because anybody may make up names.
var zones = lru.New(1024)

// zoneOf is the time zone of a name, nil if there is no such zone; UTC for an empty name.
func zoneOf(name string) *time.Location {
	if known, ok := zones.Get(name); ok {
		return known.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = nil
	}
	zones.Add(name, zone)
	return zone
}

// window is open for a while from each time of a schedule on. It is a time of so many hours, whatever the clock on the wall
// does meanwhile.
type window struct {
	schedule cron.Schedule
	duration time.Duration
}

// mostJumps bounds how far windows that overlap are followed to the end of the last. Beyond that they have no end.
const mostJumps = 200

// at is the window that is open at a moment, or else the next one. Windows that overlap, or follow each other at once, are
// one; the end is zero where they go on and on.
func (w window) at(now time.Time) (start, end time.Time) {
	start = w.schedule.Next(now.Add(-w.duration))
	if start.IsZero() || start.After(now) {
		return start, end
	}
	end = start.Add(w.duration)
	for range mostJumps {
		next := w.lateIn(end)
		if next.IsZero() {
			return start, end
		}
		end = next.Add(w.duration)
	}
	return start, time.Time{}
}

// lateIn is a run within the window that ends then, other than the one that it began with; zero if there is no such run. It is
// the last or near it: following each of a run every minute would take long.
func (w window) lateIn(end time.Time) time.Time {
	for back := time.Minute; ; back *= 2 {
		back = min(back, w.duration)
		run := w.schedule.Next(end.Add(-back))
		switch {
		case !run.IsZero() && !run.After(end):
			return run
		case back == w.duration:
			return time.Time{}
		}
	}
}

// earlier is the earlier of two times; a zero time does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
