package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
	"github.com/aliascheck/aliascheck/internal/jobs"
	"github.com/aliascheck/aliascheck/internal/live"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/status"
	"github.com/aliascheck/aliascheck/internal/sweep"
	"github.com/aliascheck/aliascheck/internal/target"
)

const (
	// leaderRetryPeriod is how often a standby looks at the lease, and a leader renews it. client-go waits for up to
	// 2.2 times as long. A standby that looks just before the lease ends looks again after that, and it has counted from
	// a look that came as late: a leader that dies without a word is followed within leaseDuration and 2 s more.
	leaderRetryPeriod = 450 * time.Millisecond
	// leaderRenewDeadline is how long a leader goes on without having renewed the lease, and how long a replica may stand
	// still: an etcd that is paused for 5 s leaves a leader 2 s to renew.
	leaderRenewDeadline = 7 * time.Second
	// leaseDuration is as short as is safe: what a leader began to write just before its deadline has MaxObservationAge to arrive.
	leaseDuration = 12 * time.Second
	// shutdownTimeout bounds the end of probes and writes. Giving the lease back comes after that.
	shutdownTimeout = 4 * time.Second
	// exitTimeout bounds all of it: SIGTERM ends the process within ten seconds, also where the API server hangs while
	// it is to take the lease back.
	exitTimeout = 9 * time.Second
	// readyzTimeout is how long /readyz waits for the caches; a kubelet waits as long by default.
	readyzTimeout = time.Second
)

func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

func runManager(ctx context.Context, o *options) error {
	defer exitInTime(ctx, exitTimeout, os.Exit)()
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	if err := waitForAPIServer(ctx, config, o.healthAddress); err != nil {
		return ignoreEnd(err)
	}
	options := o.managerOptions()
	sweeper, err := o.attachSweep(config, &options.Cache)
	if err != nil {
		return fmt.Errorf("setting up the sweep: %w", err)
	}
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	if err := o.setup(ctx, mgr, sweeper); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// ignoreEnd makes a process that is told to end before it has begun end well.
func ignoreEnd(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// attachSweep makes the sweep cover every cache of the manager, also those that come later.
func (o *options) attachSweep(config *rest.Config, options *cache.Options) (*sweep.Sweeper, error) {
	sweeper, err := sweep.New(sweep.Options{
		Interval:   o.sweepInterval,
		Scheme:     scheme(),
		Registerer: metrics.Registry,
		Log:        ctrl.Log.WithName("sweep"),
	})
	if err != nil {
		return nil, err
	}
	return sweeper, sweeper.Attach(config, options)
}

func (o *options) managerOptions() ctrl.Options {
	shutdown, lease, renew, retry := shutdownTimeout, leaseDuration, leaderRenewDeadline, leaderRetryPeriod
	return ctrl.Options{
		Scheme:                        scheme(),
		Cache:                         controllers.CacheOptions(o.namespaces, o.requireConsent),
		Metrics:                       o.metricsOptions(),
		HealthProbeBindAddress:        o.healthAddress,
		PprofBindAddress:              o.pprofAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              o.shard.Lease(),
		LeaderElectionNamespace:       o.leaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &lease,
		RenewDeadline:                 &renew,
		RetryPeriod:                   &retry,
		GracefulShutdownTimeout:       &shutdown,
	}
}

func (o *options) metricsOptions() metricsserver.Options {
	options := metricsserver.Options{BindAddress: o.metricsAddress, SecureServing: o.metricsSecure}
	if o.metricsSecure {
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
		options.CertDir = o.metricsCertPath // it is read again when it changes
	}
	return options
}

// setup registers all that runs in the manager.
func (o *options) setup(ctx context.Context, mgr manager.Manager, sweeper *sweep.Sweeper) error {
	wiring, err := o.wire(ctx, mgr, sweeper)
	if err != nil {
		return err
	}
	targets, err := setupAliasChecks(ctx, mgr, wiring)
	if err != nil {
		return fmt.Errorf("setting up AliasChecks: %w", err)
	}
	consents, err := o.consents(ctx, mgr, targets)
	if err != nil {
		return fmt.Errorf("setting up the consent to probes: %w", err)
	}
	if err := o.setupHealthChecks(mgr, wiring, consents); err != nil {
		return fmt.Errorf("setting up HealthChecks: %w", err)
	}
	if err := setupHealthRules(ctx, mgr, wiring); err != nil {
		return fmt.Errorf("setting up HealthRules: %w", err)
	}
	if err := o.setupReadinessGates(ctx, mgr, wiring); err != nil {
		return fmt.Errorf("setting up readiness gates: %w", err)
	}
	metrics.Registry.MustRegister(status.NewStateCollector(mgr.GetClient(), o.shard, o.metricLabels), buildInfo(), eventsDropped)
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding /healthz: %w", err)
	}
	if err := mgr.AddReadyzCheck("caches", cachesSynced(mgr)); err != nil {
		return fmt.Errorf("adding /readyz: %w", err)
	}
	return nil
}

// wire limits a standstill where replicas elect a leader: nobody takes over from one that is alone.
func (o *options) wire(ctx context.Context, mgr manager.Manager, sweeper *sweep.Sweeper) (*controllers.Wiring, error) {
	recorder, err := newRecorder(ctx, mgr)
	if err != nil {
		return nil, err
	}
	options := controllers.Options{
		Resync: o.resyncInterval, Shard: o.shard, Namespaces: o.namespaces, ClusterScoped: o.clusterScoped,
		Sweeper: sweeper, Recorder: recorder,
	}
	if o.leaderElect {
		options.MaxStandstill = leaderRenewDeadline
	}
	return controllers.Wire(mgr, options)
}

func setupAliasChecks(ctx context.Context, mgr manager.Manager, wiring *controllers.Wiring) (*target.Observer, error) {
	aliases, err := wiring.AliasChecks(ctx)
	if err != nil {
		return nil, err
	}
	err = aliases.SetupWithManager(ctx, mgr)
	return aliases.Targets, err
}

func (o *options) setupHealthChecks(mgr manager.Manager, wiring *controllers.Wiring, consents probe.Consents) error {
	prober, err := o.prober(mgr, consents)
	if err != nil {
		return err
	}
	checks := wiring.HealthChecks(prober, o.maxConcurrentProbes)
	if err := checks.SetupWithManager(mgr); err != nil {
		return err
	}
	if err := metrics.Registry.Register(checks.LastProbes()); err != nil {
		return fmt.Errorf("registering the metric of last probes: %w", err)
	}
	return nil
}

// consents are asked of other namespaces where --require-probe-consent says so.
func (o *options) consents(ctx context.Context, mgr manager.Manager, targets *target.Observer) (probe.Consents, error) {
	if !o.requireConsent {
		return nil, nil
	}
	consents := &target.ProbeConsent{Cache: mgr.GetCache(), Watches: targets.Watches}
	return consents, target.IndexAddresses(ctx, mgr.GetFieldIndexer())
}

// prober reads the cluster live: a probe judges what is there now.
func (o *options) prober(mgr manager.Manager, consents probe.Consents) (probe.Prober, error) {
	uncached, err := client.NewWithWatch(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return nil, fmt.Errorf("making a client for probes: %w", err)
	}
	shared := live.NewReader(uncached, clock.RealClock{})
	reads := healthcheck.LiveReads{Reader: shared}
	certificates := healthcheck.NewCertificateCollector(mgr.GetClient(), o.shard)
	if err := metrics.Registry.Register(certificates); err != nil {
		return nil, fmt.Errorf("registering the metric of certificates: %w", err)
	}
	return probe.New(probe.Options{
		Guard: probe.NewGuard(o.allow, o.deny), Consents: consents, Methods: o.methods,
		Secrets: reads, ConfigMaps: reads, Leases: reads, Jobs: jobs.New(shared),
		SawCertificate: certificates.Saw,
	}), nil
}

func setupHealthRules(ctx context.Context, mgr manager.Manager, wiring *controllers.Wiring) error {
	rules, err := wiring.HealthRules(ctx)
	if err != nil || rules == nil {
		return err
	}
	return rules.SetupWithManager(mgr)
}

func (o *options) setupReadinessGates(ctx context.Context, mgr manager.Manager, wiring *controllers.Wiring) error {
	if !o.readinessGates {
		return nil
	}
	recorder, err := newRecorder(ctx, mgr)
	if err != nil {
		return err
	}
	gates, err := wiring.ReadinessGates(recorder)
	if err != nil {
		return err
	}
	return gates.SetupWithManager(ctx, mgr)
}

// cachesSynced makes a replica ready when its caches are synced: a standby, too, is then ready to take over at once.
func cachesSynced(mgr manager.Manager) healthz.Checker {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), readyzTimeout)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return fmt.Errorf("the caches are not synced yet")
		}
		return nil
	}
}
