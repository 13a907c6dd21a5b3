package controllers_test

import (
	"context"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	controllerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/readinessgate"
	"github.com/aliascheck/aliascheck/internal/status"
	"github.com/aliascheck/aliascheck/internal/sweep"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

var _ = Describe("An AliasCheck of a kind that the API server can serve no longer", func() {
	DescribeTable("is Unknown after the grace, and recovers (I5)", func(ctx SpecContext, resource string) {
		namespace := newNamespace(ctx)
		installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "True", "Cool")
		report(ctx, newHealthCheck(ctx, namespace, "web"), v1alpha1.StatePassing, "Fine", "fine", time.Now())
		between := startSwept(namespace)
		gadget := newAlias(ctx, namespace, "gadget", targetingKind("versions.example/v1", "Gadget", "g"))
		check := newAlias(ctx, namespace, "check", targeting("HealthCheck", "web"))
		failing, other, fine := gadget, check, "Cool"
		if resource == "healthchecks" {
			failing, other, fine = check, gadget, "Fine"
		}
		Eventually(statusOf(ctx, gadget)).Should(show(v1alpha1.StatePassing, "Cool"))
		Eventually(statusOf(ctx, check)).Should(show(v1alpha1.StatePassing, "Fine"))

		between.Set(proxy.Faults{Answers: []proxy.Answer{
			{Status: http.StatusInternalServerError, Method: http.MethodGet, Resource: resource},
		}})
		between.Cut()
		Eventually(statusOf(ctx, failing)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError))
		Expect(statusOf(ctx, other)(Default).Status.State).To(Equal(v1alpha1.StatePassing))
		between.Set(proxy.Faults{})
		Eventually(statusOf(ctx, failing)).WithTimeout(time.Minute).Should(show(v1alpha1.StatePassing, fine))
	},
		Entry("one that is watched for its aliases", "gadgets"),
		Entry("one that is always watched", "healthchecks"),
	)

	It("is Unknown while the conversion webhook of its kind is broken (I5)", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		crd := installGadgets(ctx)
		ready(ctx, newGadget(ctx, namespace, "g"), "True", "Cool")
		startSwept(namespace)
		stored := newAlias(ctx, namespace, "stored", targetingKind("versions.example/v1", "Gadget", "g"))
		converted := newAlias(ctx, namespace, "converted", targetingKind("versions.example/v2", "Gadget", "g"))
		for _, alias := range []*v1alpha1.AliasCheck{stored, converted} {
			Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StatePassing, "Cool"))
		}
		edit(ctx, crd, func(c *apiextensionsv1.CustomResourceDefinition) {
			c.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{
				Strategy: apiextensionsv1.WebhookConverter,
				Webhook: &apiextensionsv1.WebhookConversion{
					ClientConfig:             &apiextensionsv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/convert")},
					ConversionReviewVersions: []string{"v1"},
				},
			}
		})
		Eventually(statusOf(ctx, converted)).WithTimeout(time.Minute).
			Should(show(v1alpha1.StateUnknown, v1alpha1.ReasonReadError))
		Expect(statusOf(ctx, stored)(Default)).To(show(v1alpha1.StatePassing, "Cool"))
		edit(ctx, crd, func(c *apiextensionsv1.CustomResourceDefinition) {
			c.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.NoneConverter}
		})
		Eventually(statusOf(ctx, converted)).WithTimeout(time.Minute).Should(show(v1alpha1.StatePassing, "Cool"))
	})
})

// startSwept runs the reconcilers of aliases and of gates behind a proxy, with a sweep and a short grace.
func startSwept(namespace string) *proxy.Proxy {
	GinkgoHelper()
	mgr, sweeper, between := newSweptManager(namespace)
	aliases := aliasesWithResync(time.Second)
	aliases.Namespaces, aliases.Grace.Length = []string{namespace}, 2*time.Second
	aliases.NewInformer, aliases.FailingSince = sweeper.NewInformer, sweeper.FailingSince
	aliases.Live = api
	aliases.Own = status.NewOwnWrites[*v1alpha1.AliasCheck](status.AliasCheckKind, clock.RealClock{}, time.Second, sweeper.FailingSince)
	gates := &readinessgate.Reconciler{
		Client: mgr.GetClient(), Recorder: mgr.GetEventRecorder("aliascheck"), Clock: clock.RealClock{},
		Resync: time.Second, MaxConcurrent: 4, Aliases: aliases.Own,
		Pods: status.NewOwnWrites[*corev1.Pod](status.PodKind, clock.RealClock{}, time.Second, sweeper.FailingSince),
	}
	Expect(gates.SetupWithManager(context.Background(), mgr)).To(Succeed())
	startReconciler(mgr, aliases)
	return between
}

// newSweptManager is behind a proxy, and all its caches are swept.
func newSweptManager(namespace string) (ctrl.Manager, *sweep.Sweeper, *proxy.Proxy) {
	GinkgoHelper()
	between, err := proxy.Start(plane.Config)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(between.Close()).To(Succeed()) })
	sweeper, err := sweep.New(sweep.Options{Interval: 500 * time.Millisecond, Scheme: testScheme, Log: logr.Discard()})
	Expect(err).NotTo(HaveOccurred())
	config := between.Config()
	options := ctrl.Options{
		Scheme:     testScheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Controller: controllerconfig.Controller{SkipNameValidation: new(true)},
	}
	Expect(sweeper.Attach(config, &options.Cache)).To(Succeed())
	mgr, err := ctrl.NewManager(config, options)
	Expect(err).NotTo(HaveOccurred())
	return mgr, sweeper, between
}
