package controllers

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

var _ = Describe("While the API server takes writes of a kind, and fails to list and watch it", func() {
	var (
		namespace string
		between   *proxy.Proxy
	)

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	// critical starts the reconcilers, and reports a check which they follow.
	critical := func(ctx SpecContext) *v1alpha1.HealthCheck {
		between = startSwept(namespace)
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StateCritical, "Said", "refused", time.Now())
		return web
	}

	fail := func(resource string) {
		between.Set(proxy.Faults{Answers: []proxy.Answer{
			{Status: http.StatusInternalServerError, Method: http.MethodGet, Resource: resource},
		}})
		between.Cut()
	}

	DescribeTable("an alias follows its target, to and fro (I1)",
		func(ctx SpecContext, following func(*v1alpha1.AliasCheck)) {
			web := critical(ctx)
			alias := newAlias(ctx, namespace, "front", following)
			Eventually(statusOf(ctx, alias)).Should(haveState(v1alpha1.StateCritical))
			fail("aliaschecks")
			for _, state := range []v1alpha1.State{v1alpha1.StatePassing, v1alpha1.StateCritical, v1alpha1.StatePassing} {
				report(ctx, web, state, "Said", "refused", time.Now())
				Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).Should(haveState(state))
			}
		},
		Entry("one that mirrors a check", targeting("HealthCheck", "web")),
		Entry("one that combines checks", func(a *v1alpha1.AliasCheck) { a.Spec.Selector = &v1alpha1.Selector{} }),
	)

	It("an alias follows its target after somebody else has written it, where it can be read by its name", func(ctx SpecContext) {
		web := critical(ctx)
		alias := newAlias(ctx, namespace, "front", func(a *v1alpha1.AliasCheck) { a.Spec.Selector = &v1alpha1.Selector{} })
		Eventually(statusOf(ctx, alias)).Should(haveState(v1alpha1.StateCritical))
		fail("aliaschecks")
		report(ctx, web, v1alpha1.StatePassing, "Said", "refused", time.Now())
		Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StatePassing))
		edit(ctx, alias, func(a *v1alpha1.AliasCheck) { a.Labels = map[string]string{"team": "shop"} })
		report(ctx, web, v1alpha1.StateCritical, "Said", "refused", time.Now())
		Eventually(statusOf(ctx, alias)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StateCritical))
	})

	DescribeTable("a pod's gate follows its alias, to and fro (I1)", func(ctx SpecContext, resource string) {
		web := critical(ctx)
		newAlias(ctx, namespace, "db", targeting("HealthCheck", "web"))
		pod := newPod(ctx, namespace, "web", gateOnDB)
		Eventually(statusOf(ctx, pod)).Should(haveGate(gateOnDB, corev1.ConditionFalse, "Said"))
		fail(resource)
		for _, step := range []struct {
			state v1alpha1.State
			gate  corev1.ConditionStatus
		}{
			{v1alpha1.StatePassing, corev1.ConditionTrue},
			{v1alpha1.StateCritical, corev1.ConditionFalse},
			{v1alpha1.StatePassing, corev1.ConditionTrue},
		} {
			report(ctx, web, step.state, "Said", "refused", time.Now())
			Eventually(statusOf(ctx, pod)).WithTimeout(time.Minute).Should(haveGate(gateOnDB, step.gate, "Said"))
		}
	},
		Entry("where aliases cannot be watched", "aliaschecks"),
		Entry("where pods cannot", "pods"),
	)

	It("a check goes on to be probed, and to show what that sees", func(ctx SpecContext) {
		web := newSubject()
		DeferCleanup(web.Close)
		mgr, sweeper, proxied := newSweptManager(namespace)
		between = proxied
		runHealthChecks(mgr, func(r *HealthCheckReconciler) {
			r.Own = NewOwnWrites[*v1alpha1.HealthCheck](HealthCheckKind, clock.RealClock{}, time.Second, sweeper.FailingSince)
		})
		check := newHealthCheck(ctx, namespace, "web", probing(web, "/"), every(time.Second), failing(0, 1))
		Eventually(statusOf(ctx, check)).Should(haveState(v1alpha1.StatePassing))
		fail("healthchecks")
		for range 2 {
			web.status.Store(http.StatusServiceUnavailable)
			Eventually(statusOf(ctx, check)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StateCritical))
			web.status.Store(http.StatusOK)
			Eventually(statusOf(ctx, check)).WithTimeout(time.Minute).Should(haveState(v1alpha1.StatePassing))
		}
	})
})

func haveState(state v1alpha1.State) OmegaMatcher {
	return WithTransform(func(check v1alpha1.Check) v1alpha1.State { return check.CommonStatus().State }, Equal(state))
}

// What this process wrote counts until the cache has it, or proves to be right without it.
func TestOwnWritesHoldWhileTheCacheIsBehind(t *testing.T) {
	const resync = time.Minute
	for _, row := range []struct {
		rule      string
		cached    *v1alpha1.AliasCheck
		after     time.Duration
		failing   bool
		own, kept bool
	}{
		{"the cache is behind", version("first", "6"), 0, false, true, true},
		{"the cache has the write", version("first", "7"), 0, false, false, false},
		{"the cache has a later one", version("first", "8"), 0, false, false, false},
		{"the object was made anew", version("anew", "6"), 0, false, false, false},
		{"the cache is behind at the earliest resync", version("first", "6"), resync * 9 / 10, false, false, true},
		{"the cache is behind for long, and fails", version("first", "6"), time.Hour, true, true, true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			g := NewWithT(t)
			now := testingclock.NewFakePassiveClock(time.Now())
			failing := func(kind schema.GroupVersionKind, namespace string) time.Time {
				g.Expect(kind).To(Equal(AliasCheckKind))
				g.Expect(namespace).To(Equal("shop"))
				if row.failing {
					return now.Now().Add(-time.Minute)
				}
				return time.Time{}
			}
			own := NewOwnWrites[*v1alpha1.AliasCheck](AliasCheckKind, now, resync, failing)
			written := version("first", "7")
			own.keep(written)
			now.SetTime(now.Now().Add(row.after))
			want := row.cached
			if row.own {
				want = written
			}
			g.Expect(own.latest(row.cached)).To(BeIdenticalTo(want))
			_, kept := own.locked.byName[client.ObjectKeyFromObject(written)]
			g.Expect(kept).To(Equal(row.kept))
			own.forget(client.ObjectKeyFromObject(written))
			g.Expect(own.latest(row.cached)).To(BeIdenticalTo(row.cached))
		})
	}
}

func TestAnOwnWriteThatIsRefusedIsForgotten(t *testing.T) {
	own := NewOwnWrites[*v1alpha1.AliasCheck](AliasCheckKind, clock.RealClock{}, time.Minute, nil)
	own.keep(version("first", "7"))
	if own.refused(version("first", "6")) {
		t.Error("a write to what the cache has is taken for one to the own")
	}
	if !own.refused(version("first", "7")) || own.refused(version("first", "7")) {
		t.Error("it is not refused just once")
	}
}

func version(uid types.UID, resourceVersion string) *v1alpha1.AliasCheck {
	alias := &v1alpha1.AliasCheck{ObjectMeta: named("shop", "web")}
	alias.UID, alias.ResourceVersion = uid, resourceVersion
	return alias
}

// Another's write is seen live; what was seen then is what there is once that fails too.
func TestACheckThatWasReadLiveGoesOnToBeProbedWhenThatFails(t *testing.T) {
	s := newScene(t)
	cached, reads := &lateReader{Reader: s.api}, &failingReader{Reader: s.api}
	s.Client, s.Live = cached, reads
	s.Own = NewOwnWrites[*v1alpha1.HealthCheck](HealthCheckKind, s.clock, s.Resync,
		func(schema.GroupVersionKind, string) time.Time { return s.clock.Now() })
	cached.shows.Store(s.shown())
	s.prober.probes(failedJob("a"), failedJob("b"), failedJob("c"), failedJob("d"), failedJob("e"))
	for range 3 {
		s.reconcileWhenDue()
	}
	s.expectState(v1alpha1.StateCritical)
	check := s.shown()
	check.Labels = map[string]string{"team": "shop"}
	if err := s.api.Update(t.Context(), check); err != nil {
		t.Fatal(err)
	}
	s.reconcileWhenDue() // live, and there is nothing to write

	reads.fails.Store(true)
	s.reconcileWhenDue()
	s.prober.expectBegun(5)
}
