package controllers_test

import (
	"context"
	"errors"
	"strings"
	"time"

	kstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

var _ = Describe("An AliasCheck whose target does not change", func() {
	It("is not written, however often it is evaluated (I7)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		aliases := aliasesWithResync(200*time.Millisecond, namespace)
		evaluated := make(chan struct{}, 1000)
		aliases.Evaluated = func() { evaluated <- struct{}{} }
		aliases.start()
		newService(ctx, namespace, "web")
		check := newHealthCheck(ctx, namespace, "web", ofService("web"))
		report(ctx, check, v1alpha1.StateCritical, "Down", "down", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("Service", "web"))
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, "CriticalChecks"))

		written := statusOf(ctx, alias)(Default).ResourceVersion
		for range 20 {
			Eventually(evaluated).Should(Receive())
		}
		Expect(statusOf(ctx, alias)(Default).ResourceVersion).To(Equal(written))
	})
})

var _ = Describe("Events of an AliasCheck", func() {
	It("name the old state, the new one and the culprit, once for each change of state", func() {
		ctx := context.Background()
		namespace := newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace).start()
		newService(ctx, namespace, "web")
		check := newHealthCheck(ctx, namespace, "http", ofService("web"))
		report(ctx, check, v1alpha1.StateCritical, "Down", "refused", time.Now())
		newAlias(ctx, namespace, "front", targeting("Service", "web"))
		notes := func(g Gomega) []string {
			list := &eventsv1.EventList{}
			g.Expect(api.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
			var notes []string
			for _, event := range list.Items {
				if event.Reason == v1alpha1.EventStateChanged && event.Regarding.Kind == "AliasCheck" {
					notes = append(notes, event.Type+" "+event.Note)
				}
			}
			return notes
		}
		down := "Warning Unknown → Critical: 1 of 1 check is Critical: HealthCheck http (refused)"
		Eventually(notes).Should(ConsistOf(down))
		report(ctx, check, v1alpha1.StateCritical, "Down", "refused again", time.Now())
		report(ctx, check, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		Eventually(notes).Should(ConsistOf(down, "Normal Critical → Passing: the only check is Passing"))
	})

	It("name the culprit where the message does not, and refer to it", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		aliasesWithResync(time.Minute, namespace).start()
		report(ctx, newHealthCheck(ctx, namespace, "db"), v1alpha1.StateCritical, "Down", "refused", time.Now())
		newAlias(ctx, namespace, "near", targeting("HealthCheck", "db"))
		newAlias(ctx, namespace, "far", targeting("AliasCheck", "near"))
		newAlias(ctx, namespace, "lost", targeting("Service", "nobody"))
		newAlias(ctx, namespace, "counting", func(a *v1alpha1.AliasCheck) { a.Spec.Selector = &v1alpha1.Selector{} })
		critical := func(g Gomega) map[string]string {
			list := &eventsv1.EventList{}
			g.Expect(api.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
			told := map[string]string{}
			for _, e := range list.Items {
				if e.Regarding.Kind == "AliasCheck" && e.Related != nil {
					g.Expect(e.Related.Namespace).To(Equal(namespace))
					told[e.Regarding.Name] = strings.Join(
						[]string{e.Related.APIVersion, e.Related.Kind, e.Related.Name, e.Note}, " ")
				}
			}
			return told
		}
		Eventually(critical).Should(And(
			HaveKeyWithValue("near", "health.aliascheck.dev/v1alpha1 HealthCheck db Unknown → Critical: refused (HealthCheck db)"),
			HaveKeyWithValue("far", MatchRegexp(`^health.aliascheck.dev/v1alpha1 HealthCheck db \w+ → Critical: refused \(HealthCheck db\)$`)),
			HaveKeyWithValue("counting", HavePrefix("health.aliascheck.dev/v1alpha1 HealthCheck db ")),
			HaveKeyWithValue("lost", "v1 Service nobody Unknown → Critical: Service/nobody does not exist"),
		))
	})
})

var _ = Describe("kstatus of an AliasCheck", func() {
	kstatusOf := func(ctx context.Context, alias *v1alpha1.AliasCheck) func(Gomega) kstatus.Status {
		return func(g Gomega) kstatus.Status {
			live := &unstructured.Unstructured{}
			live.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("AliasCheck"))
			g.Expect(api.Get(ctx, client.ObjectKeyFromObject(alias), live)).To(Succeed())
			result, err := kstatus.Compute(live)
			g.Expect(err).NotTo(HaveOccurred())
			return result.Status
		}
	}

	It("is InProgress until the first result and after an edit, Current when Ready, Failed when stalled", func() {
		ctx := context.Background()
		namespace := newNamespace(ctx)
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		Expect(kstatusOf(ctx, alias)(Default)).To(Equal(kstatus.InProgressStatus))

		stop := aliasesWithResync(time.Minute, namespace).start()
		Eventually(kstatusOf(ctx, alias)).Should(Equal(kstatus.CurrentStatus))
		stop()
		edit(ctx, alias, func(a *v1alpha1.AliasCheck) { a.Spec.TargetRef.Name = "other" })
		Expect(kstatusOf(ctx, alias)(Default)).To(Equal(kstatus.InProgressStatus))

		aliasesWithResync(time.Minute, namespace).start()
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, v1alpha1.ReasonTargetNotFound))
		Expect(kstatusOf(ctx, alias)(Default)).To(Equal(kstatus.InProgressStatus))
		edit(ctx, alias, func(a *v1alpha1.AliasCheck) { targeting("AliasCheck", "front")(a) })
		Eventually(kstatusOf(ctx, alias)).Should(Equal(kstatus.FailedStatus))
	})
})

var _ = Describe("An AliasCheck whose target cannot be read", func() {
	It("keeps its state for two minutes, is then Unknown, and recovers", func() {
		ctx := context.Background()
		namespace := newNamespace(ctx)
		web := newHealthCheck(ctx, namespace, "web")
		report(ctx, web, v1alpha1.StatePassing, "Fine", "fine", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))

		broken := false
		reader := interceptor.NewClient(api, interceptor.Funcs{Get: func(
			ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, _ ...client.GetOption,
		) error {
			if _, isTarget := object.(*v1alpha1.HealthCheck); isTarget && broken {
				return apierrors.NewInternalError(errors.New("etcd on port 12345 has gone"))
			}
			return c.Get(ctx, key, object)
		}})
		clock := clocktesting.NewFakePassiveClock(time.Now())
		evaluate := evaluating(ctx, reader, clock, alias)
		Expect(evaluate()).To(Succeed())
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StatePassing, "Fine"))

		broken = true
		Expect(evaluate()).NotTo(Succeed())
		clock.SetTime(clock.Now().Add(time.Duration(health.ReadGrace) - time.Second))
		Expect(evaluate()).To(Succeed(), "the backoff could outlast the second that is left")
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StatePassing, "Fine"))
		clock.SetTime(clock.Now().Add(time.Second))
		Expect(evaluate()).NotTo(Succeed())
		Expect(statusOf(ctx, alias)(Default)).To(SatisfyAll(
			show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError),
			saying("the target cannot be read: the API server says InternalError")))

		broken = false
		Expect(evaluate()).To(Succeed())
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StatePassing, "Fine"))
	})
})

var _ = Describe("An AliasCheck whose evaluation panics", func() {
	It("is Unknown after two minutes, and takes no other with it (I9)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		alias := newAlias(ctx, namespace, "front", targeting("HealthCheck", "web"))
		malformed := false
		reader := interceptor.NewClient(api, interceptor.Funcs{Get: func(
			ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, _ ...client.GetOption,
		) error {
			if _, isTarget := object.(*v1alpha1.HealthCheck); isTarget && malformed {
				panic("a status that nobody thought of")
			}
			return c.Get(ctx, key, object)
		}})
		clock := clocktesting.NewFakePassiveClock(time.Now())
		evaluate := evaluating(ctx, reader, clock, alias)
		Expect(evaluate()).To(Succeed())
		Expect(statusOf(ctx, alias)(Default)).To(show(v1alpha1.StatePassing, "Fine"))

		malformed = true
		Expect(evaluate()).To(MatchError(ContainSubstring("a status that nobody thought of")))
		clock.SetTime(clock.Now().Add(time.Duration(health.ReadGrace)))
		Expect(evaluate()).NotTo(Succeed())
		live := statusOf(ctx, alias)(Default)
		Expect(live).To(SatisfyAll(
			show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError),
			saying("the target cannot be read: see the log of the manager")))
		Expect(live.Status.Target).To(Equal("HealthCheck/web"))
	})
})

// evaluating is a reconciler whose manager does not run, which evaluates one alias each time that it is called.
func evaluating(
	ctx context.Context, reader client.Client, clock clock.PassiveClock, alias *v1alpha1.AliasCheck,
) func() error {
	GinkgoHelper()
	aliases := aliasesWithResync(time.Minute)
	aliases.Client, aliases.Clock, aliases.Writer.Client, aliases.Writer.Clock = reader, clock, api, clock
	aliases.setup()
	return func() error {
		_, err := aliases.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(alias)})
		return err
	}
}
