package faults

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Consul #5876, the fault that this project grew from: everything restarts at once while an application
// registers its checks anew under the same names, with a service that is Critical first and Passing a moment
// later. The edge was missed, and the alias stayed Critical for ever.
func TestConsul5876AliasesFollowWhatIsRegisteredAnewWhileEverythingRestarts(t *testing.T) {
	r := newRig(t)
	checks := names("app", 20)
	for _, name := range checks {
		r.create(r.healthCheck(name), r.aliasOf(name))
	}
	manager := r.launchManager()
	r.allBecome(checks, v1alpha1.StatePassing)
	for range rounds(3, 200) {
		for _, name := range checks {
			r.app.fail(name)
		}
		r.Expect(manager.Kill()).To(Succeed())
		r.restart("etcd", "kube-apiserver")
		manager = r.launch() // it starts beside the registration, and not before it
		for _, name := range checks {
			r.registerAnew(name)
		}
		r.waitReady(manager)
		r.allBecome(checks, v1alpha1.StatePassing)
	}
	r.Expect(manager.Stop()).To(Succeed())
}

// registerAnew is what an application does when it starts.
func (r *rig) registerAnew(name string) {
	r.t.Helper()
	// An API server that has just started may yet refuse what it would allow a moment later.
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	r.Eventually(ctx, func(g Gomega) {
		g.Expect(r.remove(r.aliasOf(name))).To(Succeed())
		g.Expect(r.remove(r.healthCheck(name))).To(Succeed())
		check := r.healthCheck(name)
		check.Spec.InitialState = v1alpha1.StateCritical // as Consul registers what it has not looked at yet
		g.Expect(direct.Create(ctx, check)).To(Succeed())
		g.Expect(direct.Create(ctx, r.aliasOf(name))).To(Succeed())
	}).Should(Succeed())
	time.AfterFunc(5*time.Millisecond, func() { r.app.recover(name) })
}

func (r *rig) allBecome(checks []string, want v1alpha1.State) {
	r.t.Helper()
	began := time.Now()
	for _, name := range checks {
		r.Eventually(r.states(name)).Should(Equal(both(want)), name)
	}
	r.t.Logf("%d aliases right after %s", len(checks), time.Since(began).Round(10*time.Millisecond))
}
