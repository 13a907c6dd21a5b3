package controllers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	controllerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	corev1 "k8s.io/api/core/v1"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/internal/sweep"
)

// The control plane that all specs of this package share. Each spec works in a namespace of its own.
var (
	plane      *controlplane.ControlPlane
	testScheme = runtime.NewScheme()
	// api reads and writes at the API server, past every cache.
	api client.WithWatch
)

func TestControllers(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "controllers")
}

var _ = BeforeSuite(func() {
	logf.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	Expect(clientgoscheme.AddToScheme(testScheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(testScheme)).To(Succeed())
	Expect(apiextensionsv1.AddToScheme(testScheme)).To(Succeed())
	Expect(gatewayv1.Install(testScheme)).To(Succeed())
	SetDefaultEventuallyTimeout(10 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)

	var err error
	plane, err = controlplane.Start(controlplane.Options{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	api, err = client.NewWithWatch(plane.Config, client.Options{Scheme: testScheme})
	Expect(err).NotTo(HaveOccurred())
})

// newNamespace makes a namespace for one spec.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "spec-"}}
	Expect(api.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

// wiredManager is a manager with the wiring of the program.
type wiredManager struct {
	ctrl.Manager
	*controllers.Wiring
}

// newManager makes a manager that watches these namespaces only; all if none is given.
func newManager(resync time.Duration, namespaces ...string) wiredManager {
	GinkgoHelper()
	return newManagerOf(plane.Config, resync, unswept, namespaces...)
}

// unswept is so long an interval of the sweep that it repairs nothing in a spec.
const unswept = 24 * time.Hour

func newManagerOf(config *rest.Config, resync, sweepInterval time.Duration, namespaces ...string) wiredManager {
	GinkgoHelper()
	sweeper, err := sweep.New(sweep.Options{Interval: sweepInterval, Scheme: testScheme, Log: logr.Discard()})
	Expect(err).NotTo(HaveOccurred())
	config = rest.CopyConfig(config)
	options := ctrl.Options{
		Scheme:     testScheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Cache:      controllers.CacheOptions(namespaces, false),
		Controller: controllerconfig.Controller{SkipNameValidation: new(true)},
	}
	Expect(sweeper.Attach(config, &options.Cache)).To(Succeed())
	mgr, err := ctrl.NewManager(config, options)
	Expect(err).NotTo(HaveOccurred())
	wiring, err := controllers.Wire(mgr, controllers.Options{
		Resync: resync, Namespaces: namespaces, Sweeper: sweeper, Recorder: mgr.GetEventRecorder("aliascheck"),
	})
	Expect(err).NotTo(HaveOccurred())
	return wiredManager{mgr, wiring}
}

// start runs a manager until the spec ends, or until it is stopped.
func start(mgr ctrl.Manager) (stop func()) {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		Expect(<-ended).To(Succeed())
	})
	DeferCleanup(stop)
	Expect(mgr.GetCache().WaitForCacheSync(ctx)).To(BeTrue())
	return stop
}

// named is the metadata of an object in a namespace.
func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// statusOf reads a status live; what fails to be read is no status.
func statusOf[T client.Object](ctx context.Context, object T) func(Gomega) T {
	return func(g Gomega) T {
		live := object.DeepCopyObject().(T)
		g.Expect(api.Get(ctx, client.ObjectKeyFromObject(object), live)).To(Succeed(), fmt.Sprintf("%T", object))
		return live
	}
}
