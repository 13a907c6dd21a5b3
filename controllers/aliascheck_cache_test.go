package controllers_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("What an AliasCheck reads from the cache", func() {
	It("is never mutated (I4)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		aliases := aliasesWithResync(time.Minute, namespace)
		watched := &versions{Reader: aliases.Client}
		aliases.Client = remembering{aliases.Client, watched}
		aliases.start()

		service := newService(ctx, namespace, "web")
		check := newHealthCheck(ctx, namespace, "http", ofService("web"), labelled("team", "shop"))
		near := newAlias(ctx, namespace, "near", targeting("Service", "web"))
		far := newAlias(ctx, namespace, "far", targeting("AliasCheck", "near"))
		for _, state := range []v1alpha1.State{v1alpha1.StatePassing, v1alpha1.StateCritical} {
			report(ctx, check, state, "Said", "as told", time.Now())
			for _, alias := range []*v1alpha1.AliasCheck{near, far} {
				Eventually(stateOf(ctx, alias)).Should(Equal(state))
			}
		}
		annotate(ctx, service, "upgrade")
		Eventually(stateOf(ctx, far)).Should(Equal(v1alpha1.StateMaintenance))
		watched.expectUnchanged()
	})
})

var _ = Describe("The answer to a status write", func() {
	It("is never put into what a shallow copy shares with the cache (I4)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		writer := newManager(time.Minute, namespace).Writer
		check := newHealthCheck(ctx, namespace, "web", labelled("team", "shop"))
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"), func(a *v1alpha1.AliasCheck) {
			a.Labels = map[string]string{"team": "shop"}
		})
		for _, cached := range []v1alpha1.Check{check, alias} {
			// The cache holds less than the API server answers with: it has stripped something.
			cached.GetLabels()["cached"], cached.GetLabels()["team"] = "yes", ""
			after := sharing(cached).(v1alpha1.Check)
			after.CommonStatus().State = v1alpha1.StateCritical
			written, err := writer.Write(ctx, cached, after, time.Now())
			Expect(err).NotTo(HaveOccurred())
			Expect(written).To(BeTrue())
			Expect(after.GetLabels()).To(HaveKeyWithValue("team", "shop"), "the answer was read")
			Expect(cached.GetLabels()).To(HaveKeyWithValue("team", ""), "and nothing else was changed by it")
		}
	})
})

// remembering is a client whose reads of one object are remembered.
type remembering struct {
	client.Client
	seen *versions
}

func (r remembering) Get(
	ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption,
) error {
	return r.seen.Get(ctx, key, object, options...)
}

// stateOf reads the state of an alias live.
func stateOf(ctx context.Context, alias *v1alpha1.AliasCheck) func(Gomega) v1alpha1.State {
	return func(g Gomega) v1alpha1.State { return statusOf(ctx, alias)(g).Status.State }
}
