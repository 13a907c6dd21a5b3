package health_test

import (
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Each row is a sequence of results, + passed, ~ warned, - failed, and the state after every one of them:
// P Passing, W Warning, C Critical, U Unknown.
func TestThresholds(t *testing.T) {
	for _, row := range []struct {
		rule       string
		thresholds health.Thresholds
		initial    v1alpha1.State
		results    string
		states     string
	}{
		{"the first success decides at once", health.Thresholds{Success: 3, Failure: 3}, "", "+", "P"},
		{"the first failure decides at once", health.Thresholds{Success: 1, Failure: 3}, "", "-", "C"},
		{"the first warning decides at once", health.Thresholds{Success: 3, Failure: 3}, "", "~", "W"},
		{"what the first failure decided lasts", health.Thresholds{Success: 1, Warning: 2, Failure: 3}, "", "-----", "CCCCC"},
		{"failures below the threshold change nothing", health.Thresholds{Success: 1, Failure: 3}, "", "+--+--+", "PPPPPPP"},
		{"failures at the threshold are Critical", health.Thresholds{Success: 1, Failure: 3}, "", "+----", "PPPCC"},
		{"a threshold of one acts at once", health.Thresholds{Success: 1, Failure: 1}, "", "+-+-", "PCPC"},
		{"successes below the threshold change nothing", health.Thresholds{Success: 3, Failure: 1}, "", "+-++-+++", "PCCCCCCP"},
		{"Warning comes before Critical", health.Thresholds{Success: 1, Warning: 1, Failure: 3}, "", "+---+", "PWWCP"},
		{"Warning has its own threshold", health.Thresholds{Success: 1, Warning: 2, Failure: 4}, "", "+----+", "PPWWCP"},
		{"equal thresholds go straight to Critical", health.Thresholds{Success: 1, Warning: 2, Failure: 2}, "", "+--", "PPC"},
		{"a warning is shown as Warning", health.Thresholds{Success: 1, Failure: 3}, "", "+~~+", "PWWP"},
		{"a warning counts as a success", health.Thresholds{Success: 2, Failure: 2}, "", "+--~~", "PPCCW"},
		{"the last success decides between Passing and Warning", health.Thresholds{Success: 2, Failure: 1}, "", "+-~+", "PCCP"},
		{"a warning resets the failures", health.Thresholds{Success: 1, Failure: 2}, "", "+-~-~-", "PPWWWW"},
		{"a failure resets the successes", health.Thresholds{Success: 2, Failure: 1}, "", "-+-+-++", "CCCCCCP"},
		{
			"a failure after a short recovery may turn Critical into Warning",
			health.Thresholds{Success: 2, Warning: 1, Failure: 3}, "", "+---+-", "PWWCCW",
		},
		{
			"a failure after a short recovery leaves Critical where failures never warn",
			health.Thresholds{Success: 2, Failure: 3}, "", "+---+-", "PPPCCC",
		},
		{"an initial Passing is evidence", health.Thresholds{Success: 1, Failure: 3}, v1alpha1.StatePassing, "---", "PPC"},
		{"an initial Critical is evidence", health.Thresholds{Success: 3, Failure: 3}, v1alpha1.StateCritical, "+++", "CCP"},
		{"an initial Warning is evidence", health.Thresholds{Success: 2, Failure: 2}, v1alpha1.StateWarning, "-+-+-+", "WWWWWW"},
		{"an initial Unknown is no evidence", health.Thresholds{Success: 3, Failure: 3}, v1alpha1.StateUnknown, "-", "C"},
		{
			"an initial Critical warns as Consul does, on the way to Critical",
			health.Thresholds{Success: 1, Warning: 1, Failure: 3}, v1alpha1.StateCritical, "---", "WWC",
		},
	} {
		t.Run(row.rule, func(t *testing.T) {
			standing := health.Standing{State: row.initial}
			var states strings.Builder
			for _, result := range row.results {
				standing, _ = row.thresholds.Next(standing, outcomes[result])
				states.WriteByte(standing.State[0])
			}
			if got := states.String(); got != row.states {
				t.Errorf("after %q the states are %q, want %q", row.results, got, row.states)
			}
		})
	}
}

var outcomes = map[rune]health.Outcome{'+': health.Passed, '~': health.Warned, '-': health.Failed}

func TestCountersSaturateSoThatALastingStateIsWrittenOnce(t *testing.T) {
	thresholds := health.Thresholds{Success: 2, Warning: 1, Failure: 3}
	for result, outcome := range outcomes {
		standing := health.Standing{State: v1alpha1.StatePassing}
		for range 3 {
			standing, _ = thresholds.Next(standing, outcome)
		}
		again, _ := thresholds.Next(standing, outcome)
		if again != standing {
			t.Errorf("the fourth %q turns %+v into %+v", result, standing, again)
		}
	}
}

func TestOnlyADecidingResultChangesWhatIsShown(t *testing.T) {
	thresholds := health.Thresholds{Success: 2, Failure: 2}
	standing := health.Standing{State: v1alpha1.StatePassing}
	for i, want := range []bool{false, true, true} {
		var decided bool
		if standing, decided = thresholds.Next(standing, health.Failed); decided != want {
			t.Errorf("failure %d decided: %t, want %t", i+1, decided, want)
		}
	}
}
