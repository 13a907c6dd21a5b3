package ledger

import (
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

const (
	// handOver is how long no replica may have led when this one began to.
	handOver = time.Second
	// firstRetry is how long after a probe that saw nothing the next one begins; it doubles each time, up to half a resync.
	firstRetry = 100 * time.Millisecond
	maxRetry   = 30 * time.Second
	// early is by how much a Job may come before the interval since the last one is over, so that one that began some milliseconds
	// late does not move all that follow.
	early = 100 * time.Millisecond
	// typeAfter is how long the first result may take before a check shows what it probes. Most have theirs by then, and
	// are not written for that alone.
	typeAfter = time.Second
)

// Unread is why a probe saw nothing: what it needs could not be read, or there was no slot for it.
type Unread struct {
	// Why says it to users.
	Why string
	// Grace is for how long the check keeps its state meanwhile.
	Grace health.Grace
	// Retry is when it is tried again; where it is zero, after a backoff.
	Retry time.Duration
	// Slow says that the probe was ended because it turned out to need a slot.
	Slow bool
	// KeepsCritical says that a Critical state stays: checks that hang are those which wait for slots most.
	KeepsCritical bool
}

// schedule says when a check is to be probed.
type schedule struct {
	// began is when the last probe that saw something did; until the first one, when the check was first seen.
	began time.Time
	// started is when the last probe began.
	started time.Time
	probed  bool
	// settled says that the last probe of this spec saw all that there was to see.
	settled bool
	// overdue says that a probe was broken off: it is made again at once.
	overdue bool
	// retryAt is when what saw nothing is tried again; zero where the last probe saw something.
	retryAt time.Time
	retries int
	// notBefore is when the next probe may begin at the earliest.
	notBefore time.Time
	// countsFrom is from when on Jobs count, where that is later than the time of the last probe in the status.
	countsFrom time.Time
	unread     *Unread
	since      time.Time
	slow       bool
	slowOf     int64
}

func newSchedule(check *v1alpha1.HealthCheck, now time.Time) schedule {
	s := schedule{began: now}
	if check.Status.State == v1alpha1.StateMaintenance {
		s.countsFrom = now // nothing from before the maintenance ended counts after it
	}
	return s
}

// startOver makes the results so far void.
func (s *schedule) startOver() {
	s.overdue, s.settled, s.retryAt, s.retries, s.unread = false, false, time.Time{}, 0, nil
}

// Began takes note that a probe has begun, and says how late that is; negative where it had no due time.
func (l *Ledger) Began(now time.Time) (late time.Duration) {
	late = -1
	if l.scheduled() {
		late = now.Sub(l.phase())
	}
	l.started, l.overdue, l.retryAt = now, false, time.Time{}
	return late
}

// Lost takes note that the probe of an identity was broken off: it is made again at once.
func (l *Ledger) Lost(id Identity) {
	if id == l.Identity() {
		l.overdue, l.settled = true, false
	}
}

// Retry takes note that the check can be probed again: what kept it from that is over.
func (l *Ledger) Retry() { l.overdue = true }

func (l *Ledger) ended(result Result, now time.Time) {
	switch {
	case result.Unread != nil:
		l.settled = false
		l.missed(*result.Unread, now)
		return
	case result.None:
		l.retryAt, l.notBefore = result.NotBefore, result.NotBefore
	default:
		l.probed, l.began, l.notBefore, l.countsFrom = true, l.started, result.NotBefore, result.At
	}
	l.slow, l.slowOf = result.Slow, l.check.Generation
	l.unread, l.retries, l.settled = nil, 0, true
}

func (l *Ledger) missed(unread Unread, now time.Time) {
	if l.unread == nil {
		l.since = now
	}
	l.unread = &unread
	retry := unread.Retry
	if retry == 0 {
		retry = min(firstRetry<<min(l.retries, 10), maxRetry, l.options.Resync/2)
		l.retries++
	}
	if unread.Slow {
		l.slow, l.slowOf = true, l.check.Generation
	}
	l.retryAt = now.Add(retry)
}

// left is for how much longer an unread check keeps its state.
func (l *Ledger) left(now time.Time) time.Duration { return l.unread.Grace.Left(l.since, now) }

// due is when the check is to be probed next.
func (l *Ledger) due(now time.Time) time.Time {
	switch {
	case l.overdue:
		return now
	case !l.retryAt.IsZero():
		return l.retryAt
	case l.awaitsResult():
		return now
	default:
		return l.phase()
	}
}

// phase is the next due time. A check that this process has not probed yet, because it has just started, comes soon but
// not all at once: the phases of its first probes fill a resync at most. What was due in a hand-over, just before this
// process first saw it, is due still; that is a tenth of the checks at the most.
func (l *Ledger) phase() time.Time {
	interval, since := l.check.Spec.ProbeInterval(), l.began
	if !l.probed {
		interval = min(interval, l.options.Resync)
		since = since.Add(-min(handOver, interval/10))
	}
	due := health.ScheduleFor(l.check.UID, interval).After(since)
	if l.notBefore.Sub(due) > early {
		return l.notBefore
	}
	return due
}

// awaitsResult reports whether the status says nothing of this spec: the check is new, was edited, came back from
// maintenance or suspension, or somebody else wrote its status. Then it does not wait for its phase.
func (l *Ledger) awaitsResult() bool {
	view := l.view()
	return l.foreign || health.AwaitsFirstResult(view) || health.AwaitsFirstProbe(view)
}

// scheduled reports whether a check is probed at its phase. That is so, too, if it is late because it had no slot, or because a
// read failed.
func (l *Ledger) scheduled() bool {
	kept := l.status.Reason == v1alpha1.ReasonReadError && l.status.ObservedGeneration == l.check.Generation
	return kept || !l.awaitsResult()
}

// probablySlow reports whether a probe of this spec was slow the last time, or, where this process has not probed it yet,
// whether it may have been: it is failing. A new check and an edited one have the benefit of the doubt: what a user has
// just said does not wait.
func (l *Ledger) probablySlow() bool {
	switch {
	case l.slow && l.slowOf == l.check.Generation:
		return true
	case l.status.ObservedGeneration != l.check.Generation, l.probed:
		return false
	default:
		return health.Worse(l.status.State, v1alpha1.StateWarning) || l.status.ConsecutiveFailures > 0
	}
}
