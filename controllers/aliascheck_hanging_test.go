package controllers_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("An AliasCheck of a kind whose API never answers", func() {
	DescribeTable("is Unknown, and delays no other alias (I9)", func(ctx SpecContext, hangs string) {
		namespace := newNamespace(ctx)
		hanging := &hangingRoutes{hangs: hangs}
		config := rest.CopyConfig(plane.Config)
		config.Wrap(hanging.around)
		aliases := aliasesOf(newManagerOf(config, time.Minute, unswept, namespace))
		aliases.MaxConcurrentReconciles = 1
		installGadgets(ctx)
		newGadget(ctx, namespace, "g")
		aliases.start()
		stuck := newAlias(ctx, namespace, "stuck", targetingKind("versions.example/v1", "Gadget", "g"))
		Eventually(hanging.now.Load).Should(BeNumerically(">", 0))

		web := newHealthCheck(ctx, namespace, "web")
		deployment := newDeployment(ctx, namespace, "web")
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		other := newAlias(ctx, namespace, "other", targetingKind("apps/v1", "Deployment", "web"))
		Eventually(resolved(ctx, other)).Should(BeTrue())
		Expect(statusOf(ctx, other)(Default)).To(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))
		for _, state := range []v1alpha1.State{v1alpha1.StatePassing, v1alpha1.StateCritical} {
			annotate(ctx, stuck, "evaluate it, ahead of the other")
			report(ctx, web, state, "Said", "as told", time.Now())
			Eventually(statusOf(ctx, alias)).WithTimeout(anEdge).Should(show(state, "Said"))
		}
		annotate(ctx, deployment, "migration")
		Eventually(statusOf(ctx, other)).WithTimeout(anEdge).
			Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		Expect(statusOf(ctx, stuck)(Default)).To(show(v1alpha1.StateUnknown, v1alpha1.ReasonNotYetReported))

		Expect(api.Delete(ctx, stuck)).To(Succeed())
		Eventually(hanging.now.Load).Should(BeZero(), "nobody waits for what no alias needs")
	},
		Entry("not even what kinds it has", "/apis/versions.example/v1"),
		Entry("when it is listed", "/gadgets"),
	)
})

// hangingRoutes are paths on which the API server does not answer before the client gives up.
type hangingRoutes struct {
	hangs string
	now   atomic.Int32
}

func (h *hangingRoutes) around(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(request.URL.Path, h.hangs) {
			return next.RoundTrip(request)
		}
		h.now.Add(1)
		defer h.now.Add(-1)
		<-request.Context().Done()
		return nil, request.Context().Err()
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
