package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/discovery"
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
	"github.com/aliascheck/aliascheck/controllers/aliascheck"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
	"github.com/aliascheck/aliascheck/controllers/healthrule"
	"github.com/aliascheck/aliascheck/controllers/readinessgate"
	"github.com/aliascheck/aliascheck/internal/jobs"
	"github.com/aliascheck/aliascheck/internal/live"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/status"
	"github.com/aliascheck/aliascheck/internal/sweep"
	"github.com/aliascheck/aliascheck/internal/target"
)

const (
	// maxConcurrentAliases is how many aliases are evaluated at once, and maxConcurrentGates how many pods. They never wait for
	// a target, only for their write, and namespaces take turns. Two cores of an API server are busy with four writes at a
	// time, and eight at 10 ms each are 800 a second; with more, each write takes longer and watches fall behind, of all
	// namespaces.
	maxConcurrentAliases = 8
	maxConcurrentGates   = 8
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
	defer exitInTime(ctx, exitTimeout, os.Exit)()
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
		Cache:                         o.cacheOptions(),
		Metrics:                       o.metricsOptions(),
		HealthProbeBindAddress:        o.healthAddress,
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

func (o *options) cacheOptions() cache.Options {
	strip := target.StripTyped
	if o.requireConsent {
		strip = target.StripAddressed
	}
	options := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.HealthCheck{}:      {Transform: status.StripCheck},
			&v1alpha1.AliasCheck{}:       {Transform: status.StripCheck},
			&corev1.Pod{}:                {Transform: readinessgate.StripPod},
			&corev1.Service{}:            {Transform: strip},
			&corev1.Node{}:               {Transform: strip},
			&discoveryv1.EndpointSlice{}: {Transform: strip},
		},
	}
	if len(o.namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range o.namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

func (o *options) metricsOptions() metricsserver.Options {
	options := metricsserver.Options{BindAddress: o.metricsAddress, SecureServing: o.metricsSecure}
	if o.metricsSecure {
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
		options.CertDir = o.metricsCertPath // it is read again when it changes
	}
	return options
}

// setup registers all that runs in the manager. The informers of kinds that aliases need are swept like the others.
func (o *options) setup(ctx context.Context, mgr manager.Manager, sweeper *sweep.Sweeper) error {
	recorder, err := newRecorder(ctx, mgr)
	if err != nil {
		return err
	}
	standstill := o.standstill()
	if err := mgr.Add(standstill); err != nil {
		return fmt.Errorf("adding the watch for a standstill: %w", err)
	}
	writer := &status.Writer{Client: mgr.GetClient(), Recorder: recorder, Clock: clock.RealClock{}, Standstill: standstill,
		Details: status.NewDetails()}
	aliases := status.NewOwnWrites[*v1alpha1.AliasCheck](
		status.AliasCheckKind, clock.RealClock{}, o.resyncInterval, sweeper.FailingSince)
	targets, err := o.setupAliasChecks(ctx, mgr, writer, sweeper, aliases)
	if err != nil {
		return fmt.Errorf("setting up AliasChecks: %w", err)
	}
	consents, err := o.consents(ctx, mgr, targets)
	if err != nil {
		return fmt.Errorf("setting up the consent to probes: %w", err)
	}
	if err := o.setupHealthChecks(mgr, writer, sweeper, consents); err != nil {
		return fmt.Errorf("setting up HealthChecks: %w", err)
	}
	if err := setupHealthRules(ctx, mgr); err != nil {
		return fmt.Errorf("setting up HealthRules: %w", err)
	}
	if err := o.setupReadinessGates(ctx, mgr, standstill, sweeper, aliases); err != nil {
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

// standstill has a limit where replicas elect a leader: nobody takes over from one that is alone.
func (o *options) standstill() *status.Standstill {
	standstill := &status.Standstill{Clock: clock.RealClock{}}
	if o.leaderElect {
		standstill.Limit = leaderRenewDeadline
	}
	return standstill
}

func (o *options) setupHealthChecks(
	mgr manager.Manager, writer *status.Writer, sweeper *sweep.Sweeper, consents probe.Consents,
) error {
	prober, err := o.prober(mgr, consents)
	if err != nil {
		return err
	}
	checks := &healthcheck.Reconciler{
		Client: mgr.GetCache(),
		Live:   mgr.GetAPIReader(),
		Writer: writer,
		Prober: prober,
		Clock:  clock.RealClock{},
		Resync: o.resyncInterval,
		Own: status.NewOwnWrites[*v1alpha1.HealthCheck](
			status.HealthCheckKind, clock.RealClock{}, o.resyncInterval, sweeper.FailingSince),
		Shard:               o.shard,
		MaxConcurrentProbes: o.maxConcurrentProbes,
	}
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

func (o *options) setupAliasChecks(
	ctx context.Context, mgr manager.Manager, writer *status.Writer, sweeper *sweep.Sweeper,
	own *status.OwnWrites[*v1alpha1.AliasCheck],
) (*target.Observer, error) {
	nodes, err := o.mayWatchNodes(ctx, mgr)
	if err != nil {
		return nil, err
	}
	aliases := &aliascheck.Reconciler{
		WithoutNodes:            !nodes,
		Client:                  mgr.GetClient(),
		Live:                    mgr.GetAPIReader(),
		Writer:                  writer,
		Clock:                   clock.RealClock{},
		Resync:                  o.resyncInterval,
		MaxConcurrentReconciles: maxConcurrentAliases,
		Shard:                   o.shard,
		Namespaces:              o.namespaces,
		ClusterScoped:           o.clusterScoped,
		NewInformer:             sweeper.NewInformer,
		FailingSince:            sweeper.FailingSince,
		Own:                     own,
	}
	err = aliases.SetupWithManager(ctx, mgr)
	return aliases.Targets, err
}

// setupHealthRules leaves them out where they may not be read, as with rights in some namespaces only.
func setupHealthRules(ctx context.Context, mgr manager.Manager) error {
	permitted, err := healthrule.Permitted(ctx, mgr.GetClient())
	if err != nil {
		return err
	}
	if !permitted {
		mgr.GetLogger().Info("HealthRules may not be read: the built-in rules decide until the manager starts with that right")
		return nil
	}
	return (&healthrule.Reconciler{Client: mgr.GetClient()}).SetupWithManager(mgr)
}

func (o *options) setupReadinessGates(
	ctx context.Context, mgr manager.Manager, standstill *status.Standstill, sweeper *sweep.Sweeper,
	aliases *status.OwnWrites[*v1alpha1.AliasCheck],
) error {
	if !o.readinessGates {
		return nil
	}
	recorder, err := newRecorder(ctx, mgr)
	if err != nil {
		return err
	}
	uninstall, err := o.uninstall(mgr)
	if err != nil {
		return err
	}
	return (&readinessgate.Reconciler{
		Client:        mgr.GetClient(),
		Recorder:      recorder,
		Clock:         clock.RealClock{},
		Resync:        o.resyncInterval,
		Shard:         o.shard,
		MaxConcurrent: maxConcurrentGates,
		Standstill:    standstill,
		Details:       status.NewDetails(),
		Aliases:       aliases,
		Pods: status.NewOwnWrites[*corev1.Pod](
			status.PodKind, clock.RealClock{}, o.resyncInterval, sweeper.FailingSince),
		Uninstalling: uninstall.UnderWay,
	}).SetupWithManager(ctx, mgr)
}

// uninstall reads the CRD of AliasCheck where the manager has rights in the whole cluster.
func (o *options) uninstall(mgr manager.Manager) (readinessgate.Uninstall, error) {
	served, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return readinessgate.Uninstall{}, fmt.Errorf("making a client for discovery: %w", err)
	}
	uninstall := readinessgate.Uninstall{Discovery: served}
	if len(o.namespaces) == 0 {
		uninstall.CRDs = mgr.GetAPIReader()
	}
	return uninstall, nil
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
