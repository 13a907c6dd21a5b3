package health

import "github.com/aliascheck/aliascheck/api/v1alpha1"

// Outcome is the kind of result that a probe had.
type Outcome int

// The outcomes of a probe.
const (
	// Failed: the subject does not work, or could not be asked.
	Failed Outcome = iota
	// Warned: it works, but not well. It counts as a success.
	Warned
	// Passed: it works.
	Passed
)

// String is the outcome as metrics name it.
func (o Outcome) String() string {
	switch o {
	case Passed:
		return "passed"
	case Warned:
		return "warned"
	default:
		return "failed"
	}
}

// Standing is what is known of a HealthCheck: its state, and how many results of one kind came in a row.
type Standing struct {
	State     v1alpha1.State
	Failures  int32
	Successes int32
}

// Thresholds are the consecutive results that change a state. Warning is 0 where failures never show Warning.
type Thresholds struct {
	Success int32
	Warning int32
	Failure int32
}

// Decide is the standing after a result that needs no others beside it: the first of a check or of a new spec.
func (t Thresholds) Decide(o Outcome) Standing {
	switch o {
	case Passed:
		return Standing{State: v1alpha1.StatePassing, Successes: 1}
	case Warned:
		return Standing{State: v1alpha1.StateWarning, Successes: 1}
	default:
		return Standing{State: v1alpha1.StateCritical, Failures: 1}
	}
}

// Next is the standing after one more result, as Consul counts (success_before_passing,
// failures_before_warning, failures_before_critical): a success resets the failures and the reverse, and
// below its threshold the state stays. A state of Unknown is no evidence: then the result decides alone.
//
// The counters saturate at their thresholds, so that a lasting state changes nothing. Decided is
// false for a result below its threshold: then what is shown is still what an earlier result said.
func (t Thresholds) Next(s Standing, o Outcome) (next Standing, decided bool) {
	if Known(s.State) == v1alpha1.StateUnknown {
		return t.Decide(o), true
	}
	if o == Failed {
		return t.afterFailure(s)
	}
	return t.afterSuccess(s, o)
}

func (t Thresholds) afterSuccess(s Standing, o Outcome) (Standing, bool) {
	next := Standing{State: s.State, Successes: min(s.Successes+1, t.Success)}
	decides := t.Decide(o).State
	if next.Successes < t.Success && decides != s.State { // one that changes nothing has nothing to wait for
		return next, false
	}
	next.State = decides
	return next, true
}

func (t Thresholds) afterFailure(s Standing) (Standing, bool) {
	next := Standing{State: s.State, Failures: min(s.Failures+1, t.Failure)}
	// A failure after a failure makes nothing better: where the first decided Critical, the second leaves it.
	lasting := s.Failures > 0 && s.State == v1alpha1.StateCritical
	switch {
	case next.Failures >= t.Failure, lasting:
		next.State = v1alpha1.StateCritical
	case t.Warning > 0 && next.Failures >= t.Warning:
		next.State = v1alpha1.StateWarning
	default:
		return next, false
	}
	return next, true
}
