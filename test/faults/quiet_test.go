package faults

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// I7: ten rounds of probes, resyncs and sweeps over checks of which none changes, counted at the proxy.
func TestI7NothingIsWrittenWhenNothingChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	checks := names("steady", rounds(200, 1000))
	for i, name := range checks {
		if i%3 == 0 {
			r.app.fail(name) // a check that fails for ever writes no more than one that passes for ever
		}
		r.create(r.healthCheck(name), r.aliasOf(name))
	}
	r.startManager()
	for i, name := range checks {
		want := v1alpha1.StatePassing
		if i%3 == 0 {
			want = v1alpha1.StateCritical
		}
		r.Eventually(r.states(name)).Should(Equal(both(want)), name)
	}
	probed, written := r.app.probes(), r.proxy.Writes()
	wanted := probed + 20*len(checks) // at one probe a second, ten resyncs of two seconds
	r.Eventually(r.app.probes, 10*patience).Should(BeNumerically(">=", wanted))
	r.Expect(r.proxy.Writes()[len(written):]).To(BeEmpty())
}
