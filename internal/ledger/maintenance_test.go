package ledger

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Nothing happens to these checks but that time passes: each look at one is when the look before asked for it.
func TestAMaintenanceBeginsAndEndsOnTime(t *testing.T) {
	for _, row := range []struct {
		what       string
		set        func(*v1alpha1.HealthCheck)
		from, to   string
		begin, end []string
	}{
		{"until", func(c *v1alpha1.HealthCheck) {
			end := metav1.NewTime(clockAt("2026-11-28T10:00:07Z"))
			c.Spec.Maintenance = &v1alpha1.Maintenance{Reason: "disk", Until: &end}
		}, "2026-11-28T09:59:30.3Z", "2026-11-28T10:01:00Z", []string{"2026-11-28T09:59:30.3Z"}, []string{"2026-11-28T10:00:07Z"}},
		{"the annotation beside the annotation", func(c *v1alpha1.HealthCheck) {
			maintained(c)
			c.Annotations[v1alpha1.AnnotationMaintenanceUntil] = "2026-11-28T11:00:07+01:00"
		}, "2026-11-28T09:59:30.3Z", "2026-11-28T10:01:00Z", []string{"2026-11-28T09:59:30.3Z"}, []string{"2026-11-28T10:00:07Z"}},
		{"a window of every hour", windowed("0 * * * *", 10*time.Minute, ""),
			"2026-11-28T09:50:00Z", "2026-11-28T11:30:00Z",
			[]string{"2026-11-28T10:00:00Z", "2026-11-28T11:00:00Z"}, []string{"2026-11-28T10:10:00Z", "2026-11-28T11:10:00Z"}},
		{"a window that is open when the maintenance of the spec ends", func(c *v1alpha1.HealthCheck) {
			windowed("0 10 * * *", 10*time.Minute, "")(c)
			end := metav1.NewTime(clockAt("2026-11-28T10:05:00Z"))
			c.Spec.Maintenance = &v1alpha1.Maintenance{Reason: "disk", Until: &end}
		}, "2026-11-28T09:55:00Z", "2026-11-28T10:30:00Z", []string{"2026-11-28T09:55:00Z"}, []string{"2026-11-28T10:10:00Z"}},
		// On 2026-03-29 clocks in Berlin go from 2:00 to 3:00, and on 2026-10-25 from 3:00 back to 2:00.
		{"a night in which the clocks go forward", windowed("30 1 * * *", 2*time.Hour, "Europe/Berlin"),
			"2026-03-29T01:00:00+01:00", "2026-03-29T06:00:00+02:00",
			[]string{"2026-03-29T01:30:00+01:00"}, []string{"2026-03-29T04:30:00+02:00"}},
		{"a time that the clocks leave out", windowed("30 2 * * *", time.Hour, "Europe/Berlin"),
			"2026-03-29T01:00:00+01:00", "2026-03-29T06:00:00+02:00", nil, nil},
		{"a night in which the clocks go back", windowed("30 1 * * *", 2*time.Hour, "Europe/Berlin"),
			"2026-10-25T01:00:00+02:00", "2026-10-25T06:00:00+01:00",
			[]string{"2026-10-25T01:30:00+02:00"}, []string{"2026-10-25T02:30:00+01:00"}},
		{"a time that comes twice", windowed("30 2 * * *", 30*time.Minute, "Europe/Berlin"),
			"2026-10-25T01:00:00+02:00", "2026-10-25T06:00:00+01:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
			[]string{"2026-10-25T03:00:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"a window that never opens", windowed("0 0 30 2 *", time.Hour, ""), "2026-02-28T23:00:00Z", "2026-03-01T01:00:00Z", nil, nil},
	} {
		for how, play := range map[string]*stage{
			"one process":                       {probes: time.Second},
			"a restart before each look":        {probes: time.Second, restarts: true},
			"probes that hang for a minute":     {probes: time.Minute},
			"a restart within a probe's minute": {probes: time.Minute, restarts: true},
		} {
			t.Run(row.what+", "+how, func(t *testing.T) {
				check := newCheck()
				check.Status.State, check.Status.ObservedGeneration = v1alpha1.StatePassing, 1
				check.Status.Type = "tcp"
				check.Spec.Interval = &metav1.Duration{Duration: time.Minute}
				row.set(check)
				begin, end := play.run(check, clockAt(row.from), clockAt(row.to))
				expectTimes(t, "begins", begin, row.begin)
				expectTimes(t, "ends", end, row.end)
			})
		}
	}
}

func windowed(schedule string, duration time.Duration, zone string) func(*v1alpha1.HealthCheck) {
	return func(c *v1alpha1.HealthCheck) {
		c.Spec.MaintenanceWindows = []v1alpha1.MaintenanceWindow{{
			Schedule: schedule, Duration: metav1.Duration{Duration: duration}, TimeZone: zone, Reason: "planned",
		}}
	}
}

func clockAt(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

func expectTimes(t *testing.T, what string, got []time.Time, want []string) {
	t.Helper()
	same := func(at time.Time, text string) bool { return at.Equal(clockAt(text)) }
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("it %s at %s, want %s", what, got, want)
	}
}

// stage plays what the controller does, with a clock that jumps from one look to the next.
type stage struct {
	// probes is how long they take; restarts says that each look is one of another process.
	probes   time.Duration
	restarts bool
}

func (s *stage) run(check *v1alpha1.HealthCheck, now, to time.Time) (begin, end []time.Time) {
	l, in := New(options()), false
	for now.Before(to) {
		if s.restarts {
			l = New(options())
		}
		l.Saw(check, now)
		step := l.Next(now)
		check = written(l, step, check)
		// A maintenance has ended when the check is probed again: what it shows follows from that.
		switch {
		case step.Exempt && !in:
			begin, in = append(begin, now), true
		case !step.Exempt && in:
			end, in = append(end, now), false
		}
		if step.Probe {
			now = s.probe(l, step, now)
			check = written(l, l.Next(now), check)
		} else {
			now = now.Add(step.After)
		}
	}
	return begin, end
}

// written is the check as it is once what there is to show of it is written.
func written(l *Ledger, step Step, check *v1alpha1.HealthCheck) *v1alpha1.HealthCheck {
	if step.Show != nil {
		check = after(step.Show, func(*v1alpha1.HealthCheck) {})
		l.Wrote(check, nil)
	}
	return check
}

// probe goes on to its end, or to the look that is due meanwhile: that one ends the probe, if there is reason to.
func (s *stage) probe(l *Ledger, step Step, now time.Time) time.Time {
	l.Began(now)
	if step.Meanwhile > 0 && step.Meanwhile < s.probes {
		return now.Add(step.Meanwhile)
	}
	now = now.Add(s.probes)
	l.Got(l.Identity(), Result{Outcome: health.Passed, Reason: "Probed", Message: "fine", At: now}, now)
	return now
}

func TestACheckShowsWhatItProbesThoughItsFirstProbeLasts(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	check := newCheck()
	check.Status = v1alpha1.HealthCheckStatus{CheckStatus: v1alpha1.CheckStatus{
		State: v1alpha1.StateUnknown, Reason: v1alpha1.ReasonNotYetReported, ObservedGeneration: v1alpha1.ObservedGenerationNone,
	}}
	l := New(options())
	l.Saw(check, now)
	step := l.Next(now)
	if step.Show != nil || !step.Probe || step.Meanwhile != typeAfter {
		t.Fatalf("at first there is %+v", step)
	}
	l.Began(now)
	now = now.Add(step.Meanwhile)
	step = l.Next(now)
	if step.Show == nil || step.Show.Status.Type != "tcp" {
		t.Fatalf("after a second there is %+v", step)
	}
	want := check.Status
	want.Type = "tcp"
	if !health.SameHealthCheckStatus(&step.Show.Status, &want) {
		t.Errorf("it shows %+v, and nothing else is known yet", step.Show.Status)
	}
	identity := l.Identity()
	l.Wrote(after(step.Show, func(*v1alpha1.HealthCheck) {}), nil)
	if step = l.Next(now); step.News() || step.Meanwhile != 0 {
		t.Errorf("then there is %+v", step)
	}
	if !l.Got(identity, Result{Outcome: health.Passed, Reason: "Probed", At: now}, now) {
		t.Error("the result of the probe that ran meanwhile does not count")
	}
}

// Mostly that is no write of its own, and what somebody else wrote is not written once more.
func TestWhatIsProbedIsNoReasonToWriteWhereAResultComes(t *testing.T) {
	d := &desk{Ledger: New(options()), t: t, now: time.Unix(1_000_000, 0)}
	d.Saw(newCheck(), d.now)
	d.Began(d.now)
	d.now = d.now.Add(typeAfter - time.Millisecond)
	d.Got(d.Identity(), Result{Outcome: health.Passed, Reason: "Probed", At: d.now}, d.now)
	d.writes()
	d.now = d.now.Add(time.Second)
	if step := d.Next(d.now); step.Show != nil || step.Meanwhile != 0 {
		t.Errorf("after the first result there is %+v", step)
	}
	d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) {
		c.Status = v1alpha1.HealthCheckStatus{CheckStatus: v1alpha1.CheckStatus{State: v1alpha1.StatePassing}}
	}), d.now)
	d.expect("a status of somebody else", d.Next(d.now.Add(time.Minute)), true, "")
}
