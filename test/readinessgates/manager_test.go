package readinessgates

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/sweep"
)

// The control plane that all tests of this package share, and a client that reads and writes past every cache.
var (
	plane  *controlplane.ControlPlane
	api    client.Client
	scheme = runtime.NewScheme()
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	var err error
	if plane, err = controlplane.Start(controlplane.Options{ControllerManager: true}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if api, err = client.New(plane.Config, client.Options{Scheme: scheme}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// startManager runs all reconcilers, and a sweep every so often, against an API server until the test ends. What a
// resync would repair is left to the sweep.
func startManager(t *testing.T, server *rest.Config, sweepInterval time.Duration) {
	t.Helper()
	options := ctrl.Options{
		Scheme:     scheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)},
		Cache:      controllers.CacheOptions(nil, false),
	}
	sweeper, err := sweep.New(sweep.Options{Interval: sweepInterval, Scheme: scheme})
	must(t, err)
	server = rest.CopyConfig(server)
	must(t, sweeper.Attach(server, &options.Cache))
	mgr, err := ctrl.NewManager(server, options)
	must(t, err)
	setup(t, mgr, sweeper)

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the manager ended: %v", err)
		}
	})
}

func setup(t *testing.T, mgr ctrl.Manager, sweeper *sweep.Sweeper) {
	t.Helper()
	recorder := mgr.GetEventRecorder("aliascheck")
	wiring, err := controllers.Wire(mgr, controllers.Options{Resync: time.Minute, Sweeper: sweeper, Recorder: recorder})
	must(t, err)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	must(t, wiring.HealthChecks(probe.New(probe.Options{Guard: probe.NewGuard(loopback, nil)}), 8).SetupWithManager(mgr))
	aliases, err := wiring.AliasChecks(t.Context())
	must(t, err)
	must(t, aliases.SetupWithManager(t.Context(), mgr))
	gates, err := wiring.ReadinessGates(recorder)
	must(t, err)
	must(t, gates.SetupWithManager(t.Context(), mgr))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
