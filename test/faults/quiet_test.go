package faults

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// probeInterval is long enough for a thousand probes.
const probeInterval = 5 * time.Second

// I7: ten rounds of probes, resyncs and sweeps over checks of which none changes, counted at the proxy.
func TestI7NothingIsWrittenWhenNothingChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	checks := names("steady", rounds(200, 1000))
	for i, name := range checks {
		check := r.healthCheck(name)
		check.Spec.Interval.Duration = probeInterval
		if i%3 == 0 {
			r.app.fail(name) // a check that fails for ever writes no more than one that passes for ever
		}
		r.create(check, r.aliasOf(name))
	}
	r.startManager()
	for i, name := range checks {
		want := v1alpha1.StatePassing
		if i%3 == 0 {
			want = v1alpha1.StateCritical
		}
		r.Eventually(r.states(name)).Should(Equal(both(want)), name)
	}
	r.probe(len(checks)) // time for the Events of what has changed
	written := r.proxy.Writes()
	r.probe(int(10*interval/probeInterval) * len(checks))
	r.Expect(r.proxy.Writes()[len(written):]).To(BeEmpty(), "writes though nothing has changed")
}

// probe waits for a number of further probes.
func (r *rig) probe(more int) {
	r.t.Helper()
	r.Eventually(r.app.probes, 10*patience).Should(BeNumerically(">=", r.app.probes()+more))
}
