package ledger

import (
	"fmt"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Step is what is to be done about a check.
type Step struct {
	// ReadLive says that it has to be read past the cache before anything is written.
	ReadLive bool
	// Show is the check with the status that has to be written; nil where it is shown already.
	Show *v1alpha1.HealthCheck
	// Shown is the check that this has to be written to, and ChangedAt when it came about.
	Shown     *v1alpha1.HealthCheck
	ChangedAt time.Time
	// Probe says that it is due.
	Probe bool
	// Exempt says that the check must not be probed, and that a probe of it has to end.
	Exempt bool
	// After is when to look again, if nothing happens before.
	After time.Duration
	// Meanwhile is when to look again though a probe runs; zero where its end is soon enough.
	Meanwhile time.Duration
}

// News reports whether there is anything to do other than to probe.
func (s Step) News() bool { return s.ReadLive || s.Show != nil }

// Next is what is to be done now.
func (l *Ledger) Next(now time.Time) Step {
	l.decide(now)
	step := Step{
		ReadLive: l.unsettled, Exempt: l.exempt,
		After: health.Early(l.check.UID, l.options.Resync), Meanwhile: l.meanwhile(now),
	}
	if step.Meanwhile > 0 {
		step.After = min(step.After, step.Meanwhile)
	}
	if !l.unsettled && !l.isShown() {
		step.Show, step.Shown, step.ChangedAt = l.view(), l.check, l.changedAt
	}
	if l.exempt {
		return step
	}
	if due := l.due(now); now.Before(due) {
		step.After = min(step.After, due.Sub(now))
	} else {
		step.Probe = true
	}
	if l.unread != nil && l.left(now) > 0 {
		step.After = min(step.After, l.left(now))
	}
	return step
}

// meanwhile is when something is to be shown whether a probe runs or not: that a maintenance begins or ends, or what is
// probed; zero where nothing is.
func (l *Ledger) meanwhile(now time.Time) time.Duration {
	at := health.MaintenanceAt(l.check, now).Changes
	if typeAt := l.began.Add(typeAfter); l.isNew() && (at.IsZero() || typeAt.Before(at)) {
		at = typeAt
	}
	if at.IsZero() {
		return 0
	}
	return max(at.Sub(now), time.Millisecond)
}

// isShown reports whether the API has the status that it has to have. The time of the probe alone is no reason to write.
func (l *Ledger) isShown() bool {
	status := l.status
	status.LastProbeTime = l.check.Status.LastProbeTime
	return health.SameHealthCheckStatus(&status, &l.check.Status)
}

// decide is about all that a check shows without a probe.
func (l *Ledger) decide(now time.Time) {
	verdict, exempt := health.WithoutProbe(l.check, now)
	if exempt != l.exempt {
		l.exempt = exempt
		l.epoch++
		l.startOver()
		l.countsFrom = now
	}
	if initial, given := health.Initial(l.view()); given && !exempt {
		l.show(health.Unprobed(initial, now), now)
	}
	if exempt {
		l.show(health.Judgement{Verdict: verdict, At: now, Anew: l.foreign}, now)
		l.foreign = false
	}
	if l.unread != nil && l.left(now) <= 0 && (!l.unread.KeepsCritical || l.status.State != v1alpha1.StateCritical) {
		l.show(health.Unprobed(health.Unread(l.unread.Why), now), now)
	}
	if l.isNew() && !now.Before(l.began.Add(typeAfter)) {
		l.status.Type, l.changedAt = l.options.TypeOf(l.check.Spec), now
	}
}

// isNew reports whether nothing has been shown yet, not even what is probed.
func (l *Ledger) isNew() bool {
	return l.status.Type == "" && l.status.ObservedGeneration < 1 && !l.foreign
}

// Assignment is what a prober is to look at.
type Assignment struct {
	ID Identity
	// Check is as it has to be shown.
	Check *v1alpha1.HealthCheck
	// Slow says that the probe needs a slot from its beginning.
	Slow bool
	// ReadLastJob says that it is not known what became of the last Job. It counts if it ended after Since: the cluster is the
	// memory of this process, and of the one before.
	ReadLastJob bool
	Since       time.Time
	// Pace says that the interval since that Job has to be over before the next begins.
	Pace bool
}

// Assignment is what would be probed now.
func (l *Ledger) Assignment() Assignment {
	since := l.countsFrom
	if last := l.status.LastProbeTime; last != nil && !l.foreign && last.After(since) {
		since = last.Time
	}
	return Assignment{
		ID: l.Identity(), Check: l.view(), Slow: l.probablySlow(),
		ReadLastJob: l.check.Spec.Job != nil && !l.settled,
		Since:       since,
		Pace:        l.status.State != v1alpha1.StateMaintenance,
	}
}

// String says why a check is not probed, and why it shows what it does.
func (l *Ledger) String() string {
	if l.check == nil {
		return "not seen yet"
	}
	text := fmt.Sprintf("generation %d in epoch %d as of version %s: has to show %s", l.check.Generation, l.epoch,
		l.check.ResourceVersion, told(&l.status))
	if !l.isShown() {
		text += ", shows " + told(&l.check.Status)
	}
	if l.foreign {
		text += "; somebody else wrote the status"
	}
	if l.unsettled {
		text += fmt.Sprintf("; to be read live (%d writes without an answer)", len(l.tried))
	}
	if l.exempt {
		return text + "; not to be probed"
	}
	if l.unread != nil {
		text += fmt.Sprintf("; nothing seen since %s: %s", l.since.Format(time.TimeOnly), l.unread.Why)
	}
	return text + fmt.Sprintf("; probed at %s, next at %s",
		l.began.Format(time.TimeOnly), l.due(l.began).Format(time.TimeOnly))
}

func told(s *v1alpha1.HealthCheckStatus) string {
	return fmt.Sprintf("%s (%s, %d failures, %d successes, of generation %d)",
		health.Known(s.State), s.Reason, s.ConsecutiveFailures, s.ConsecutiveSuccesses, s.ObservedGeneration)
}
