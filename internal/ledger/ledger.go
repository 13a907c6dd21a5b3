package ledger

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// maxTried bounds the statuses that are remembered of writes without an answer. The API server drops a request after a
// minute, in which there are fewer.
const maxTried = 16

// Identity is what a probe is started for. A result of any other identity does not count.
type Identity struct {
	UID        types.UID
	Generation int64
	// Epoch grows with everything else that makes a result void: a maintenance, a status of somebody else, a standstill.
	Epoch int
}

// Options are the same for all checks.
type Options struct {
	// Resync bounds the time between two looks at a check.
	Resync time.Duration
	// TypeOf names the source that a spec probes.
	TypeOf func(v1alpha1.HealthCheckSpec) string
}

// Ledger is what one process knows of one HealthCheck. It is not safe for concurrent use.
type Ledger struct {
	options *Options
	// check is as it was seen last, or written. What is inside may be the cache's, and is never changed.
	check *v1alpha1.HealthCheck
	// status is as it has to be.
	status    v1alpha1.HealthCheckStatus
	changedAt time.Time
	epoch     int
	// foreign says that the status is somebody else's: the next result decides alone.
	foreign bool
	exempt  bool
	// unsettled says that it is not known what the API server has: a write had no answer, or the cache lags behind.
	unsettled bool
	// tried are the statuses of writes without an answer. One of them may still be done.
	tried []v1alpha1.HealthCheckStatus
	schedule
}

// New knows nothing of its check until that is seen.
func New(options *Options) *Ledger { return &Ledger{options: options} }

// Identity is that of a probe which would begin now.
func (l *Ledger) Identity() Identity {
	return Identity{UID: l.check.UID, Generation: l.check.Generation, Epoch: l.epoch}
}

// Saw takes a check as it was read from the cache. One that is older than what was seen before is not taken: the watch
// lags behind.
func (l *Ledger) Saw(check *v1alpha1.HealthCheck, now time.Time) {
	if l.check != nil && l.check.UID == check.UID && older(check, l.check) {
		l.unsettled = true
		return
	}
	l.take(check, now)
}

// SawLive takes a check as the API server has it, of whatever version: it may have been restored from a backup.
func (l *Ledger) SawLive(check *v1alpha1.HealthCheck, now time.Time) {
	l.unsettled = false
	l.take(check, now)
}

func older(a, b *v1alpha1.HealthCheck) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err == nil && order < 0
}

func (l *Ledger) take(check *v1alpha1.HealthCheck, now time.Time) {
	before := l.check
	l.check = check
	switch {
	case before == nil || before.UID != check.UID:
		*l = Ledger{options: l.options, check: check, status: check.Status, epoch: l.epoch + 1, schedule: newSchedule(check, now)}
		return
	case before.ResourceVersion == check.ResourceVersion:
		return
	case before.Generation != check.Generation:
		l.empty()
	case health.SameStatus(before, check), l.isTried(&check.Status):
		// A label, or a write of this process: what is counted stays.
	default:
		l.empty()
		l.foreign, l.countsFrom = true, time.Time{}
	}
	l.tried, l.unsettled = nil, false // they were for the version before, and are refused for this one
	l.share()
}

// share keeps the status once in memory where it is shown.
func (l *Ledger) share() {
	if health.SameHealthCheckStatus(&l.status, &l.check.Status) {
		l.status = l.check.Status
	}
}

func (l *Ledger) isTried(status *v1alpha1.HealthCheckStatus) bool {
	for i := range l.tried {
		if health.SameHealthCheckStatus(&l.tried[i], status) {
			return true
		}
	}
	return false
}

// empty forgets what was counted and not shown, and makes every running probe void.
func (l *Ledger) empty() {
	l.epoch++
	l.status, l.foreign = l.check.Status, false
	l.startOver()
}

// StoodStill forgets what was counted and has not been shown: while the process stood still, a successor may have seen
// something newer.
func (l *Ledger) StoodStill() {
	l.empty()
	l.overdue = true
}

// Result is what a probe saw of its subject.
type Result struct {
	Outcome         health.Outcome
	Reason, Message string
	// At is when: at the end of the probe or, by the clock of the cluster, of the Job.
	At time.Time
	// NotBefore is when the next probe may begin at the earliest, where each costs a Job.
	NotBefore time.Time
	// Slow says that the probe needed a slot, and so needs one the next time.
	Slow bool
	// None says that there was nothing new to see before NotBefore.
	None bool
	// Unread is why nothing was seen. That says nothing of the subject, and the rest is empty.
	Unread *Unread
}

// Got takes the result of a probe, and reports whether it counts: not where it is of another identity.
func (l *Ledger) Got(id Identity, result Result, now time.Time) bool {
	if id != l.Identity() {
		return false
	}
	l.ended(result, now)
	if result.None || result.Unread != nil {
		return true
	}
	j := health.Judge(l.view(), l.foreign, result.Outcome, result.Reason, result.Message, result.At)
	l.show(j, now)
	l.foreign = false
	return true
}

// view is the check as it has to be.
func (l *Ledger) view() *v1alpha1.HealthCheck {
	view := *l.check
	view.Status = l.status
	return &view
}

func (l *Ledger) show(j health.Judgement, now time.Time) {
	status := j.ApplyTo(l.view(), l.options.TypeOf(l.check.Spec))
	if !health.SameHealthCheckStatus(&status, &l.status) {
		l.changedAt = now
	}
	l.status = status
}

// Wrote takes the answer to a write of a status: the check as the API server has it now or, with an error, the check as it was to
// be written. Such a write may have succeeded nevertheless.
func (l *Ledger) Wrote(written *v1alpha1.HealthCheck, err error) {
	if written.UID != l.check.UID {
		return
	}
	if err == nil {
		l.check, l.tried, l.unsettled = written, nil, false
		l.share()
		return
	}
	l.unsettled = true
	if !l.isTried(&written.Status) {
		if len(l.tried) == maxTried {
			l.tried = l.tried[1:]
		}
		l.tried = append(l.tried, written.Status)
	}
}
