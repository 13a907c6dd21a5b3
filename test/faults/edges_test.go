package faults

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// lost is all that follows the objects which a watch of the resource starts with.
func lost(resource string) proxy.Faults {
	return proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow, Resource: resource}}}
}

// I1, with every edge lost in the watch itself: the resync reads a cache that is wrong, and the sweep has to
// find that out.
func TestI1AStateIsRightWithinTheIntervalThoughEveryFrameIsSwallowed(t *testing.T) {
	for name, faults := range map[string]proxy.Faults{
		"of HealthChecks": lost("healthchecks"),
		"of AliasChecks":  lost("aliaschecks"),
		"of all kinds":    lost(""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.startManager()
			r.changeUnder(faults)
		})
	}
}

func TestI1AStateIsRightThoughFramesAreLostFrozenOrLate(t *testing.T) {
	for name, fault := range map[string]proxy.FrameFault{
		"every second frame is swallowed":   {Action: proxy.Swallow, Every: 2},
		"every third frame is swallowed":    {Action: proxy.Swallow, Every: 3},
		"creations are swallowed":           {Action: proxy.Swallow, Type: "ADDED"},
		"updates are swallowed":             {Action: proxy.Swallow, Type: "MODIFIED"},
		"deletions are swallowed":           {Action: proxy.Swallow, Type: "DELETED"},
		"streams are frozen":                {Action: proxy.Freeze},
		"streams are frozen, and new ones":  {Action: proxy.Freeze, Initial: true},
		"frames are late, by a few seconds": {Action: proxy.Delay, By: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.startManager()
			r.changeUnder(proxy.Faults{Frames: []proxy.FrameFault{fault}})
		})
	}
}

func TestI1AStateIsRightThoughTheAPIServerIsSlow(t *testing.T) {
	r := newRig(t)
	r.startManager()
	r.changeUnder(proxy.Faults{Slow: 500 * time.Millisecond})
}

// changeUnder changes all that can change while the fault lasts: the world, specs, and which objects exist.
// Each must be right within the bound of I1.
func (r *rig) changeUnder(faults proxy.Faults) {
	r.t.Helper()
	flipped := []*v1alpha1.HealthCheck{r.healthCheck("flips"), r.healthCheck("redefined"), r.healthCheck("recreated")}
	for _, check := range flipped {
		r.create(check, r.aliasOf(check.Name))
		r.Eventually(r.states(check.Name)).Should(Equal(both(v1alpha1.StatePassing)))
	}
	r.create(r.healthCheck("deleted"), r.aliasOf("deleted"))
	r.Eventually(r.states("deleted")).Should(Equal(both(v1alpha1.StatePassing)))

	r.proxy.Set(faults)
	began := r.now()
	r.app.fail("flips")
	r.app.fail("elsewhere")
	r.app.fail("recreated")
	r.app.fail("created")
	r.redefine("redefined", r.app.url("elsewhere"))
	r.delete(flipped[2], r.aliasOf("recreated"))
	r.create(r.healthCheck("recreated"), r.aliasOf("recreated"))
	r.create(r.healthCheck("created"), r.aliasOf("created"))
	r.delete(r.healthCheck("deleted"))
	for _, name := range []string{"flips", "redefined", "recreated", "created"} {
		r.Eventually(r.states(name)).Should(Equal(both(v1alpha1.StateCritical)), name)
	}
	// A new spec may be lost on its way to the check, and the state on its way to the alias.
	r.repairedWithin(hops(2), began, r.states("deleted"), [2]v1alpha1.State{v1alpha1.StateCritical, "absent"})
	r.app.recover("flips")
	r.repairedWithin(hops(1), r.now(), r.states("flips"), both(v1alpha1.StatePassing))
	if len(faults.Frames) > 0 {
		r.Expect(r.proxy.FramesHit()).To(BeNumerically(">", 0), "the fault has hit no frame")
	}
	r.proxy.Set(proxy.Faults{})
}

func TestI1AStateIsRightSoonAfterConnectionsAreCut(t *testing.T) {
	r := newRig(t)
	r.startManager()
	r.create(r.healthCheck("web"), r.aliasOf("web"))
	r.Eventually(r.states("web")).Should(Equal(both(v1alpha1.StatePassing)))
	// client-go waits longer after every watch that is cut at once, and for up to a minute in the end: the bound is
	// that of the real intervals.
	const bound = time.Minute + 5*time.Second
	for range 4 {
		r.proxy.Cut()
		r.app.fail("web")
		r.repairedWithin(bound, r.now(), r.states("web"), both(v1alpha1.StateCritical))
		r.proxy.Cut()
		r.app.recover("web")
		r.repairedWithin(bound, r.now(), r.states("web"), both(v1alpha1.StatePassing))
	}
}

// What is refused is retried, and nothing is shown meanwhile that was not observed.
func TestI1AStateIsRightSoonAfterTheAPIServerStopsRefusing(t *testing.T) {
	for _, status := range []int{
		http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.startManager()
			r.create(r.healthCheck("web"), r.aliasOf("web"))
			r.Eventually(r.states("web")).Should(Equal(both(v1alpha1.StatePassing)))
			written := len(r.proxy.Writes("healthchecks", "aliaschecks"))
			r.proxy.Set(proxy.Faults{Answers: []proxy.Answer{{Status: status}}})
			r.proxy.Cut()
			r.app.fail("web")
			r.create(r.healthCheck("new"), r.aliasOf("new"))
			probed := r.app.probes()
			r.Eventually(r.app.probes).Should(BeNumerically(">", probed+3))
			r.Expect(r.proxy.Writes("healthchecks", "aliaschecks")).To(HaveLen(written), "written though all is refused")
			r.proxy.Set(proxy.Faults{})
			r.repairedWithin(hops(1), r.now(), r.states("web"), both(v1alpha1.StateCritical))
			r.Eventually(r.states("new")).Should(Equal(both(v1alpha1.StatePassing)))
		})
	}
}

func (r *rig) redefine(name, url string) {
	r.t.Helper()
	patch := rawPatch(`{"spec":{"http":{"url":"` + url + `"}}}`)
	r.Expect(direct.Patch(r.ctx, r.healthCheck(name), patch)).To(Succeed())
}
