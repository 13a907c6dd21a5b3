package faults

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

const staleObjects = "aliascheck_sweep_stale_objects_total"

// I7: rounds of resyncs and sweeps over checks of which none changes, counted at the proxy. There are more of them than a
// sweep gets on one page.
func TestI7NothingIsWrittenWhenNothingChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	checks := names("steady", 120)
	for i, name := range checks {
		check := r.healthCheck(name)
		check.Spec.Interval.Duration = 5 * time.Second
		if i%3 == 0 {
			r.app.fail(name) // a check that always fails writes no more than one that always passes
		}
		r.create(check, r.aliasOf(name))
	}
	m := r.startManager()
	for i, name := range checks {
		want := v1alpha1.StatePassing
		if i%3 == 0 {
			want = v1alpha1.StateCritical
		}
		r.Eventually(r.states(name), 10*patience).WithPolling(seldom).Should(Equal(both(want)), name)
	}
	r.Eventually(func() bool { // the Events of what has changed come later
		before := len(r.ownWrites())
		r.probe(len(checks))
		return len(r.ownWrites()) == before
	}, 10*patience).Should(BeTrue(), "the writes do not end")
	// With a short interval the grace is short, and on a busy machine the first writes may come later than that.
	found := r.metrics(m, staleObjects)
	r.Expect(found).NotTo(BeEmpty())
	written := r.ownWrites()
	r.sweep("healthchecks", 5)
	r.sweep("aliaschecks", 5)
	r.probe(3 * len(checks))
	r.Expect(r.ownWrites()[len(written):]).To(BeEmpty(), "writes though nothing has changed")
	r.Expect(r.metrics(m, staleObjects)).To(Equal(found), "a sweep has found what is not so")
}

// ownWrites are those so far without HealthRules, which belong to no namespace: tests beside this one change theirs.
func (r *rig) ownWrites() []proxy.Write {
	return slices.DeleteFunc(r.proxy.Writes(), func(w proxy.Write) bool { return w.Resource == "healthrules" })
}

// sweep waits for a number of further sweeps of a resource, to their second pages.
func (r *rig) sweep(resource string, more int) {
	r.t.Helper()
	before := r.proxy.Swept(resource)
	r.Eventually(func() int { return r.proxy.Swept(resource).Further - before.Further }, 10*patience).
		Should(BeNumerically(">=", more), "second pages of sweeps of "+resource)
	r.Expect(r.proxy.Swept(resource).First-before.First).To(BeNumerically(">=", more/2), "sweeps of "+resource)
}

// probe waits for a number of further probes.
func (r *rig) probe(more int) {
	r.t.Helper()
	r.Eventually(r.app.probes, 10*patience).Should(BeNumerically(">=", r.app.probes()+more))
}
