package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// desk is a ledger in use: it has seen a check that passes, at a version of 2, and one probe of it.
type desk struct {
	*Ledger
	t   *testing.T
	now time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{Ledger: New(options()), t: t, now: time.Unix(1_000_000, 0)}
	d.Saw(newCheck(), d.now)
	d.gets(health.Passed)
	d.gets(health.Passed)
	d.writes()
	return d
}

func (d *desk) gets(outcome health.Outcome) {
	d.t.Helper()
	d.now = d.now.Add(10 * time.Second)
	d.Began(d.now)
	if !d.Got(d.Identity(), Result{Outcome: outcome, Reason: "Probed", Message: outcome.String(), At: d.now}, d.now) {
		d.t.Fatal("the result does not count")
	}
}

func (d *desk) misses(unread Unread) {
	d.t.Helper()
	d.Began(d.now)
	d.Got(d.Identity(), Result{Unread: &unread}, d.now)
}

// writes shows what is to be shown.
func (d *desk) writes() {
	d.t.Helper()
	step := d.Next(d.now)
	if step.Show == nil {
		d.t.Fatalf("there is nothing to show: %s", d)
	}
	d.Wrote(after(step.Show, func(*v1alpha1.HealthCheck) {}), nil)
}

// after is the next version of a check.
func after(check *v1alpha1.HealthCheck, change func(*v1alpha1.HealthCheck)) *v1alpha1.HealthCheck {
	next := check.DeepCopy()
	var version int
	_, _ = fmt.Sscan(check.ResourceVersion, &version)
	next.ResourceVersion = fmt.Sprint(version + 1)
	change(next)
	return next
}

func (d *desk) expect(what string, step Step, probe bool, show v1alpha1.State) {
	d.t.Helper()
	got := v1alpha1.State("")
	if step.Show != nil {
		got = step.Show.Status.State
	}
	if step.Probe != probe || got != show {
		d.t.Errorf("%s: it is to be probed %t, and to show %q; want %t and %q\n%s", what, step.Probe, got, probe, show, d)
	}
}

func TestWhatALedgerSees(t *testing.T) {
	for _, row := range []struct {
		what  string
		sees  func(*desk)
		probe bool
		show  v1alpha1.State
	}{
		{"the same", func(d *desk) { d.Saw(d.check, d.now) }, false, ""},
		{"a label", func(d *desk) {
			d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Labels = map[string]string{"team": "shop"} }), d.now)
		}, false, ""},
		{"an edit is probed at once, and shows its old state until then", func(d *desk) {
			d.gets(health.Failed)
			d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Generation++ }), d.now)
		}, true, ""},
		{"another check of this name is new", func(d *desk) {
			d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.UID, c.Status = "another", v1alpha1.HealthCheckStatus{} }), d.now)
		}, true, ""},
		{"a status of somebody else is repaired by a probe at once", func(d *desk) {
			d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Status.State = v1alpha1.StateWarning }), d.now)
		}, true, ""},
		{"maintenance is shown, and not probed", func(d *desk) {
			d.Saw(after(d.check, maintained), d.now)
		}, false, v1alpha1.StateMaintenance},
		{"an older version is not taken", func(d *desk) {
			old := d.check.DeepCopy()
			old.ResourceVersion, old.Status.State = "1", v1alpha1.StateCritical
			d.Saw(old, d.now)
		}, false, ""},
		{"a version that is older, but live, is", func(d *desk) {
			old := d.check.DeepCopy()
			old.ResourceVersion, old.Status.State = "1", v1alpha1.StateCritical
			d.SawLive(old, d.now)
		}, true, ""},
		{"a standstill: what was counted and not shown is forgotten, and seen again", func(d *desk) {
			d.gets(health.Failed)
			d.gets(health.Failed)
			d.StoodStill()
		}, true, ""},
		{"a probe that was broken off is made again at once", func(d *desk) { d.Lost(d.Identity()) }, true, ""},
	} {
		t.Run(row.what, func(t *testing.T) {
			d := newDesk(t)
			row.sees(d)
			d.expect(row.what, d.Next(d.now), row.probe, row.show)
		})
	}
}

func maintained(c *v1alpha1.HealthCheck) {
	c.Annotations = map[string]string{v1alpha1.AnnotationMaintenance: "disk swap"}
}

// I3: whatever happens to a check while it is probed, the result is of what was there before.
func TestI3AResultOfAnotherIdentityDoesNotCount(t *testing.T) {
	for what, happens := range map[string]func(*desk){
		"an edit":   func(d *desk) { d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Generation++ }), d.now) },
		"recreated": func(d *desk) { d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.UID = "another" }), d.now) },
		"painted": func(d *desk) {
			d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Status.Message = "green" }), d.now)
		},
		"a standstill": func(d *desk) { d.StoodStill() },
		"a maintenance that began and ended": func(d *desk) {
			d.Saw(after(d.check, maintained), d.now)
			d.Next(d.now)
			d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Annotations = nil }), d.now)
			d.Next(d.now)
		},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDesk(t)
			before := d.Identity()
			happens(d)
			if d.Got(before, Result{Outcome: health.Failed, At: d.now}, d.now) {
				t.Errorf("the result counts: %s", d)
			}
		})
	}
}

// I6: a new process begins with what is shown.
func TestI6ANewLedgerGoesOnFromTheStatus(t *testing.T) {
	d := newDesk(t)
	d.gets(health.Failed)
	d.writes()
	next := New(options())
	next.Saw(d.check, d.now)
	if step := next.Next(d.now); step.Show != nil {
		t.Errorf("without a result it shows %+v", step.Show.Status)
	}
	next.Got(next.Identity(), Result{Outcome: health.Failed, At: d.now}, d.now)
	if got := next.Next(d.now).Show.Status; got.State != v1alpha1.StateWarning || got.ConsecutiveFailures != 2 {
		t.Errorf("after one more failure it shows %s with %d, want Warning with 2", got.State, got.ConsecutiveFailures)
	}
}

// I7: what changes nothing is not written.
func TestI7AResultThatChangesNothingIsNoNews(t *testing.T) {
	d := newDesk(t)
	for range 5 {
		d.gets(health.Passed)
		if step := d.Next(d.now); step.News() || step.Probe || step.After > 10*time.Second {
			t.Fatalf("after the same result there is %+v", step)
		}
	}
}

func TestAWriteWithoutAnAnswerIsSettledByALiveRead(t *testing.T) {
	noAnswer := errors.New("no answer")
	for _, row := range []struct {
		what string
		live func(d *desk, tried *v1alpha1.HealthCheck) *v1alpha1.HealthCheck
		// show is the failures that are to be shown then; -1 for nothing.
		show int
	}{
		{"it was done", func(_ *desk, tried *v1alpha1.HealthCheck) *v1alpha1.HealthCheck {
			return after(tried, func(*v1alpha1.HealthCheck) {})
		}, -1},
		{"it was not", func(d *desk, _ *v1alpha1.HealthCheck) *v1alpha1.HealthCheck { return d.check }, 1},
		{"somebody else wrote", func(d *desk, _ *v1alpha1.HealthCheck) *v1alpha1.HealthCheck {
			return after(d.check, func(c *v1alpha1.HealthCheck) { c.Status.Message = "green" })
		}, -1},
	} {
		t.Run(row.what, func(t *testing.T) {
			d := newDesk(t)
			d.gets(health.Failed)
			tried := d.Next(d.now).Show
			d.Wrote(tried, noAnswer)
			if step := d.Next(d.now); !step.ReadLive || step.Show != nil {
				t.Fatalf("it writes again before it is settled: %+v", step)
			}
			d.SawLive(row.live(d, tried), d.now)
			got := -1
			if show := d.Next(d.now).Show; show != nil {
				got = int(show.Status.ConsecutiveFailures)
			}
			if got != row.show {
				t.Errorf("it shows %d failures, want %d: %s", got, row.show, d)
			}
		})
	}
}

// The newer result needs no write, so that nothing refuses the older one when it comes late.
func TestAWriteThatIsDoneLateIsWrittenOver(t *testing.T) {
	d := newDesk(t)
	d.gets(health.Failed)
	late := d.Next(d.now).Show
	d.Wrote(late, errors.New("no answer"))
	d.SawLive(d.check, d.now)
	d.gets(health.Passed)
	d.gets(health.Passed)
	if step := d.Next(d.now); step.Show != nil {
		t.Fatalf("it shows %+v", step.Show.Status)
	}
	d.Saw(after(late, func(*v1alpha1.HealthCheck) {}), d.now)
	step := d.Next(d.now)
	if step.Show == nil || step.Show.Status.ConsecutiveFailures != 0 || step.Probe {
		t.Errorf("it is not written over: %+v, %s", step, d)
	}
}

func TestWhatCannotBeSeenKeepsItsStateForAWhile(t *testing.T) {
	read := Unread{Why: "the Lease could not be read", Grace: health.Grace(2 * time.Minute)}
	slot := Unread{Why: "not probed", Grace: health.Grace(10 * time.Minute), Retry: time.Second, KeepsCritical: true}
	for _, row := range []struct {
		what   string
		unread Unread
		before health.Outcome
		shows  v1alpha1.State
	}{
		{"a read that fails", read, health.Passed, v1alpha1.StateUnknown},
		{"a read that fails, of what is Critical", read, health.Failed, v1alpha1.StateUnknown},
		{"no slot", slot, health.Passed, v1alpha1.StateUnknown},
		{"no slot for what is Critical", slot, health.Failed, ""},
	} {
		t.Run(row.what, func(t *testing.T) {
			d := newDesk(t)
			if row.before == health.Failed {
				for range 3 {
					d.gets(health.Failed)
				}
				d.writes()
			}
			began := d.now
			d.misses(row.unread)
			for d.now.Before(began.Add(time.Duration(row.unread.Grace))) {
				step := d.Next(d.now)
				if step.Show != nil {
					t.Fatalf("it shows %s after %s", step.Show.Status.State, d.now.Sub(began))
				}
				if d.now = d.now.Add(step.After); step.Probe {
					d.misses(row.unread)
				}
			}
			d.expect(row.what, d.Next(d.now), d.Next(d.now).Probe, row.shows)
			if row.shows == "" {
				return
			}
			d.writes()
			d.gets(health.Warned)
			d.expect("the first result after it", d.Next(d.now), false, v1alpha1.StateWarning)
		})
	}
}

func TestAReadThatFailsIsTriedAgainAfterABackoff(t *testing.T) {
	d := newDesk(t)
	var waits []time.Duration
	for range 10 {
		d.misses(Unread{Why: "no", Grace: health.Grace(time.Hour)})
		after := d.Next(d.now).After
		waits = append(waits, after)
		d.now = d.now.Add(after)
	}
	if waits[0] != firstRetry || waits[1] != 2*firstRetry || waits[9] != 30*time.Second {
		t.Errorf("it waits for %v", waits)
	}
	d.gets(health.Passed)
	d.misses(Unread{Why: "no", Grace: health.Grace(time.Hour)})
	if got := d.Next(d.now).After; got != firstRetry {
		t.Errorf("after a result it waits for %s", got)
	}
}

// A Job counts if it ended after the last that did.
func TestOfJobsThoseCountThatEndedSinceTheLast(t *testing.T) {
	d := newDesk(t)
	ended := d.now.Add(time.Minute)
	d.check.Spec.Job = &v1alpha1.JobProbe{}
	counts := func(what string, want time.Time, readLast bool) {
		t.Helper()
		a := d.Assignment()
		if !a.Since.Equal(want) || a.ReadLastJob != readLast {
			t.Errorf("%s: those after %s count, it is asked for them: %t; want %s and %t", what, a.Since, a.ReadLastJob, want, readLast)
		}
	}
	d.Got(d.Identity(), Result{Outcome: health.Passed, Reason: "Probed", Message: "passed", At: ended}, d.now)
	counts("after one that changed nothing", ended, false)
	d.Lost(d.Identity())
	counts("after a probe that was broken off", ended, true)
	d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Status.Message = "green" }), d.now)
	counts("after somebody else wrote", time.Time{}, true)

	d.Saw(after(d.check, maintained), d.now)
	d.Next(d.now)
	d.now = d.now.Add(time.Hour)
	d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Annotations = nil }), d.now)
	d.Next(d.now)
	counts("after a maintenance", d.now, true)

	next := New(options())
	shown := after(d.check, func(c *v1alpha1.HealthCheck) { c.Status.State = v1alpha1.StateMaintenance })
	next.Saw(shown, d.now)
	if a := next.Assignment(); !a.Since.Equal(d.now) || a.Pace {
		t.Errorf("a new process after a maintenance counts those after %s, and waits for the interval: %t", a.Since, a.Pace)
	}
}

// A probe may begin just before its phase, because its check is new: the next one comes an interval later nevertheless.
func TestJobsAreAnIntervalApart(t *testing.T) {
	d := newDesk(t)
	interval := d.check.Spec.ProbeInterval()
	due := health.ScheduleFor(d.check.UID, interval).After(d.now)
	d.now = due.Add(-interval / 20)
	for i := range 5 {
		began := d.now
		d.Began(began)
		d.Got(d.Identity(), Result{
			Outcome: health.Passed, Reason: "Probed", Message: "passed", At: d.now, NotBefore: began.Add(interval)}, d.now)
		for !d.Next(d.now).Probe {
			d.now = d.now.Add(10 * time.Millisecond)
		}
		if gap := d.now.Sub(began); gap < interval-early || gap > interval+time.Second {
			t.Errorf("Job %d comes %s after the one before, at an interval of %s", i+1, gap, interval)
		}
	}
}

func TestWhatWasDueInAHandOverIsDueStill(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, interval := range []time.Duration{10 * time.Second, time.Minute, time.Hour} {
		const checks = 5000
		atOnce := 0
		for i := range checks {
			check := newCheck()
			check.UID = types.UID(fmt.Sprintf("0c5d8a52-3a44-4d5e-8f0e-%012d", i))
			check.Spec.Interval.Duration = interval
			check.Status.ObservedGeneration, check.Status.State = 1, v1alpha1.StatePassing
			l := New(options())
			l.Saw(check, now)
			step := l.Next(now)
			if step.Probe {
				atOnce++
			} else if step.After > min(interval, time.Minute) {
				t.Fatalf("of an interval of %s it is due after %s", interval, step.After)
			}
		}
		// The phases are as good as random, and so there may be a few more.
		if most := checks / 10 * 12 / 10; atOnce == 0 || atOnce > most {
			t.Errorf("of %d checks of an interval of %s %d are due at once, want 1 to %d", checks, interval, atOnce, most)
		}
	}
}

func TestOnlySlowProbesNeedASlot(t *testing.T) {
	restarted := func(state v1alpha1.State, failures int32) func(*desk) {
		return func(d *desk) {
			check := d.check.DeepCopy()
			check.Status.State, check.Status.ConsecutiveFailures = state, failures
			d.Ledger = New(options())
			d.Saw(check, d.now)
		}
	}
	slow := func(d *desk) {
		d.Began(d.now)
		d.Got(d.Identity(), Result{Outcome: health.Failed, At: d.now, Slow: true}, d.now)
	}
	for what, row := range map[string]struct {
		happens func(*desk)
		slow    bool
	}{
		"a check that answers":                        {func(*desk) {}, false},
		"a check that hangs":                          {slow, true},
		"a check that had no slot":                    {func(d *desk) { d.misses(Unread{Retry: time.Second, Grace: health.Grace(time.Hour)}) }, false},
		"a check that needed one":                     {func(d *desk) { d.misses(Unread{Slow: true, Grace: health.Grace(time.Hour)}) }, true},
		"an edited check that hangs":                  {func(d *desk) { slow(d); d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Generation++ }), d.now) }, false},
		"after a restart, one that passes":            {restarted(v1alpha1.StatePassing, 0), false},
		"after a restart, one that has begun to fail": {restarted(v1alpha1.StatePassing, 1), true},
		"after a restart, one that fails":             {restarted(v1alpha1.StateCritical, 3), true},
	} {
		d := newDesk(t)
		row.happens(d)
		if got := d.Assignment().Slow; got != row.slow {
			t.Errorf("%s is thought slow: %t, want %t", what, got, row.slow)
		}
	}
}

// A check that has been kept from being probed is the latest of all, and a new one is not late.
func TestOnlyWhatWasToBeProbedAtItsPhaseIsLate(t *testing.T) {
	d := newDesk(t)
	d.now = d.now.Add(time.Minute)
	if late := d.Began(d.now); late < 40*time.Second {
		t.Errorf("a check that was not probed for a minute is late by %s", late)
	}
	d.misses(Unread{Why: "no", Grace: health.Grace(time.Nanosecond)})
	d.now = d.now.Add(time.Minute)
	d.writes()
	if late := d.Began(d.now); late < 100*time.Second {
		t.Errorf("a check that had no slot for two minutes is late by %s", late)
	}
	d.Saw(after(d.check, func(c *v1alpha1.HealthCheck) { c.Generation++ }), d.now)
	if late := d.Began(d.now); late >= 0 {
		t.Errorf("an edited check is late by %s", late)
	}
}

func TestALedgerSaysWhyItsCheckIsNotProbedAndWhyItShowsWhatItDoes(t *testing.T) {
	d := newDesk(t)
	d.gets(health.Failed)
	d.Wrote(d.Next(d.now).Show, errors.New("no answer"))
	d.misses(Unread{Why: "not probed: too many", Grace: health.Grace(time.Minute)})
	said := d.String()
	for _, part := range []string{"generation 1", "has to show Passing", "1 failures", "shows Passing", "to be read live (1 writes",
		"nothing seen since", "not probed: too many", "next at"} {
		if !strings.Contains(said, part) {
			t.Errorf("it does not say %q: %s", part, said)
		}
	}
	d.SawLive(after(d.check, maintained), d.now)
	d.Next(d.now)
	if said = d.String(); !strings.Contains(said, "not to be probed") {
		t.Errorf("it does not say that it is exempt: %s", said)
	}
}
