package ledger

import (
	"errors"

	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// FuzzLedger plays any sequence of results, writes, lost answers, edits and writes of others, and holds the ledger to a
// model that knows at once what the ledger has to find out: who wrote which version.
func FuzzLedger(f *testing.F) {
	f.Add([]byte{0, 3, 2, 2, 3, 2, 3})
	f.Add([]byte{0, 3, 2, 4, 0, 6, 8, 2, 3})  // a write that was done without an answer
	f.Add([]byte{0, 3, 2, 5, 0, 9, 6, 2, 3})  // one that is done late
	f.Add([]byte{0, 3, 2, 5, 2, 5, 2, 9, 10}) // several, and an edit
	f.Add([]byte{0, 7, 2, 3, 8, 2, 3, 11, 0, 3})
	f.Fuzz(func(t *testing.T, moves []byte) {
		m := newModel()
		for i, move := range moves {
			m.now = m.now.Add(time.Second)
			m.play(t, move, i)
		}
		m.settle(t)
	})
}

// model is the API server and a count of results that is kept apart from the ledger.
type model struct {
	ledger  *Ledger
	now     time.Time
	server  *v1alpha1.HealthCheck
	late    []*v1alpha1.HealthCheck // writes without an answer that may still be done
	reset   bool                    // since the ledger last saw it, somebody else wrote a status or a spec
	want    health.Standing         // what was counted, if alone is false
	alone   bool                    // the next result decides alone
	nothing bool                    // nothing was counted since the last reset
}

func newModel() *model {
	m := &model{ledger: New(options()), now: time.Unix(1_000_000, 0), server: newCheck(), alone: true, nothing: true}
	m.ledger.Saw(m.server, m.now)
	return m
}

func (m *model) play(t *testing.T, move byte, i int) {
	switch move % 12 {
	case 0, 1, 2: // a probe ends
		outcome := []health.Outcome{health.Passed, health.Warned, health.Failed}[move%12]
		m.ledger.Got(m.ledger.Identity(), Result{Outcome: outcome, Reason: "Probed", At: m.now}, m.now)
		m.want, _ = m.thresholds().Next(m.want, outcome)
		if m.alone {
			m.want = m.thresholds().Decide(outcome)
		}
		m.alone, m.nothing = false, false
	case 3, 4, 5: // a status is written; then its answer gets lost, done or not
		m.write(t, move%12)
	case 6: // what had no answer is done
		if len(m.late) > 0 && m.late[0].ResourceVersion == m.server.ResourceVersion {
			m.store(m.late[0])
		}
		m.late = m.late[min(1, len(m.late)):]
	case 7, 8: // the watch brings what there is, or a live read
		m.see(move%12 == 8)
	case 9: // somebody else writes the status
		foreign := m.server.DeepCopy()
		foreign.Status.Message = "painted " + strconv.Itoa(i)
		m.store(foreign)
		m.reset = true
	case 10: // an edit
		edited := m.server.DeepCopy()
		edited.Generation++
		m.store(edited)
		m.reset = true
	case 11: // a probe of what was there before ends
		old := m.ledger.Identity()
		old.Epoch--
		if m.ledger.Got(old, Result{Outcome: health.Failed, At: m.now}, m.now) {
			t.Error("the result of another identity counts")
		}
	}
}

func (m *model) thresholds() health.Thresholds { return health.ThresholdsOf(m.server.Spec) }

func (m *model) store(check *v1alpha1.HealthCheck) {
	check = check.DeepCopy()
	version, _ := strconv.Atoi(m.server.ResourceVersion)
	check.ResourceVersion = strconv.Itoa(version + 1)
	m.server = check
}

func (m *model) see(live bool) {
	if live {
		m.ledger.SawLive(m.server, m.now)
	} else {
		m.ledger.Saw(m.server, m.now)
	}
	if m.reset {
		m.reset, m.alone, m.nothing = false, true, true
	}
}

func (m *model) write(t *testing.T, how byte) {
	step := m.ledger.Next(m.now)
	if step.ReadLive {
		m.see(true)
		step = m.ledger.Next(m.now)
	}
	if step.Show == nil {
		return
	}
	refused := step.Show.ResourceVersion != m.server.ResourceVersion
	if !refused && how != 5 {
		m.store(step.Show)
	}
	switch {
	case refused:
		m.ledger.Wrote(step.Show, errors.New("conflict"))
	case how == 3:
		m.ledger.Wrote(m.server, nil)
	default:
		m.ledger.Wrote(step.Show, errors.New("no answer"))
	}
	if how == 5 && !refused {
		m.late = append(m.late, step.Show)
	}
	_ = t
}

// settle lets the ledger see all and write all, and compares.
func (m *model) settle(t *testing.T) {
	t.Helper()
	m.see(false)
	for range 4 {
		m.write(t, 3)
	}
	if step := m.ledger.Next(m.now); step.News() {
		t.Errorf("it has not come to rest: %+v, %s", step, m.ledger)
	}
	if got := health.StandingOf(m.server.Status); !m.nothing && got != m.want {
		t.Errorf("it shows %+v, want %+v: %s", got, m.want, m.ledger)
	}
}

func options() *Options {
	return &Options{Resync: time.Minute, TypeOf: func(v1alpha1.HealthCheckSpec) string { return "tcp" }}
}

func newCheck() *v1alpha1.HealthCheck {
	check := &v1alpha1.HealthCheck{}
	check.Namespace, check.Name, check.UID, check.Generation = "shop", "web", "0c5d8a52-3a44-4d5e-8f0e-6c1d5be0a001", 1
	check.ResourceVersion = "1"
	check.Spec.Interval = &metav1.Duration{Duration: 10 * time.Second}
	check.Spec.TCP = &v1alpha1.TCPProbe{Address: "db:5432"}
	check.Spec.FailureThreshold, check.Spec.SuccessThreshold = 3, 2
	check.Spec.WarningThreshold = new(int32(2))
	return check
}
