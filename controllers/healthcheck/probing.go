package healthcheck

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/ledger"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/runner"
	"github.com/aliascheck/aliascheck/internal/status"
)

const (
	// noSlot and noShare tell users why a check has not been probed for so long, and what there is to change.
	noSlot  = "not probed: too many slow probes are running; raise --max-concurrent-probes"
	noShare = "not probed: too many slow probes of this namespace are running; raise --max-concurrent-probes"
	// retrySlot is when a check without a slot asks again at the latest; mostly it is woken.
	retrySlot = 5 * time.Second
)

// seen is what a probe saw, and when.
type seen struct {
	probe.Result
	began, ended time.Time
	// nothing says that there is nothing new to see until before.
	nothing bool
	before  time.Time
}

// probe starts a probe if one is due, and ends a running one if the check must not be probed. It reports whether one runs.
func (r *Reconciler) probe(e *entry, step ledger.Step) (next ledger.Step, running bool) {
	if step.Exempt {
		r.runner.End(e.key)
	}
	if !step.Probe {
		return step, false
	}
	assignment := e.assignment()
	answer := r.runner.Start(r.queue.context, runner.Probe[seen]{
		Check: e.key, ID: assignment.ID, Slow: assignment.Slow,
		Run:   func(ctx context.Context) seen { return r.look(ctx, e, assignment) },
		Ended: func(s seen, err error) { r.count(e, assignment, s, err) },
		Done:  func() { r.afterProbe(e) },
	})
	switch answer {
	case runner.NoSlot, runner.NoShare:
		return e.do(func(l *ledger.Ledger) {
			l.Got(assignment.ID, ledger.Result{Unread: r.waits(answer, assignment.Slow)}, r.Clock.Now())
		}, r.Clock), false
	default:
		return step, true
	}
}

// waits says why a check without a slot is not probed. It keeps its state for longer where others hold the slots.
func (r *Reconciler) waits(answer runner.Answer, slow bool) *ledger.Unread {
	unread := &ledger.Unread{
		Why: noSlot, Grace: r.SlotGrace, Retry: retrySlot, Slow: slow, KeepsCritical: true,
	}
	if answer == runner.NoShare {
		unread.Why, unread.Grace = noShare, r.ReadGrace
	}
	return unread
}

// look probes once.
func (r *Reconciler) look(ctx context.Context, e *entry, a ledger.Assignment) (s seen) {
	ctx, cancel := context.WithTimeout(ctx, a.Check.Spec.ProbeTimeout())
	defer cancel()
	s.began = r.Clock.Now()
	r.began(e, s.began)
	if a.ReadLastJob {
		past := r.Prober.LastJob(ctx, a.Check)
		next := nextAfter(past, a.Check, s.began)
		switch {
		case past.Result.Unread != nil, past.Result.Ended.After(a.Since):
			s.Result, s.before = past.Result, next
		case a.Pace && s.began.Before(next):
			s.nothing, s.before = true, next
		}
	}
	if s.Unread == nil && s.before.IsZero() {
		s.Result = r.Prober.Probe(ctx, a.Check)
		if a.Check.Spec.Job != nil {
			s.before = s.began.Add(a.Check.Spec.ProbeInterval())
		}
	}
	s.ended = r.Clock.Now()
	return s
}

// nextAfter is when the interval since a Job is over for certain: it is known to the second when that began, and by
// another clock. Where that clock is ahead, the next Job does not wait for it.
func nextAfter(past probe.Past, check *v1alpha1.HealthCheck, now time.Time) time.Time {
	began := past.Began
	if began.IsZero() {
		return time.Time{}
	}
	if now.Before(began) {
		began = now
	}
	return began.Add(check.Spec.ProbeInterval() + time.Second)
}

func (r *Reconciler) began(e *entry, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if late := e.ledger.Began(now); late >= 0 {
		probeLateness.Observe(late.Seconds())
	}
}

// count tells the ledger how a probe ended.
func (r *Reconciler) count(e *entry, a ledger.Assignment, s seen, err error) {
	ctx := logf.IntoContext(r.queue.context, logf.Log.WithName("healthcheck"))
	if err == nil && s.Unread == nil && !s.nothing {
		e.probed(s.ended)
	}
	result := r.resultOf(ctx, a, s)
	var panicked *runner.PanicError
	switch {
	case errors.As(err, &panicked):
		logf.FromContext(ctx).Error(err, "The prober panicked", "healthcheck", e.key.String(), "stack", string(panicked.Stack))
		result = failure(r.Clock.Now())
	case errors.Is(err, runner.ErrNoShare):
		result = ledger.Result{Unread: r.waits(runner.NoShare, true)}
	case errors.Is(err, runner.ErrNoSlot):
		result = ledger.Result{Unread: r.waits(runner.NoSlot, true)}
	case err != nil, r.Writer.Standstill.StoodSince(s.began):
		r.trace(ctx, e, "A probe was broken off")
		e.lost(a.ID)
		return
	}
	if !e.got(a.ID, result, r.Clock.Now()) {
		r.trace(ctx, e, "The result of a probe does not count: the check has changed", "of", a.ID)
	}
}

// failure is the result of a prober that panicked.
func failure(now time.Time) ledger.Result {
	return ledger.Result{
		Outcome: health.Failed,
		Reason:  v1alpha1.ReasonProbeFailed,
		Message: "internal error of the prober: see the log of the manager",
		At:      now,
	}
}

func (r *Reconciler) resultOf(ctx context.Context, a ledger.Assignment, s seen) ledger.Result {
	if s.Unread != nil {
		logf.FromContext(ctx).Info("A probe could not read what it needs", "healthcheck", client.ObjectKeyFromObject(a.Check).String(),
			"what", s.Unread.What, "error", s.Unread.Err.Error())
		return ledger.Result{Unread: &ledger.Unread{
			Why: s.Unread.What + ": " + status.WhyUnreadable(s.Unread.Err), Grace: r.ReadGrace,
		}}
	}
	took := s.ended.Sub(s.began)
	result := ledger.Result{
		Outcome: s.Outcome, Reason: s.Reason, Message: s.Message, At: s.ended,
		None: s.nothing, NotBefore: s.before,
		Slow: took >= min(a.Check.Spec.ProbeTimeout()/2, runner.SlowAfter),
	}
	if !s.Ended.IsZero() {
		result.At = s.Ended
	}
	if !s.nothing {
		countProbe(probe.TypeOf(a.Check.Spec), s.Outcome, took)
	}
	return result
}

// afterProbe wakes the key at once if there is news, and otherwise when the check is due: a probe that changes nothing costs no
// second trip through the queue.
func (r *Reconciler) afterProbe(e *entry) {
	step := e.do(func(*ledger.Ledger) {}, r.Clock)
	if step.News() || step.Probe {
		step.After = 0
	}
	r.queue.add(e.key, step.After)
}
