package controllers

import (
	"context"
	"fmt"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/aliascheck"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
	"github.com/aliascheck/aliascheck/controllers/healthrule"
	"github.com/aliascheck/aliascheck/controllers/readinessgate"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/internal/status"
	"github.com/aliascheck/aliascheck/internal/sweep"
	"github.com/aliascheck/aliascheck/internal/target"
)

const (
	// maxConcurrentAliases is how many aliases are evaluated at once, and maxConcurrentGates how many pods. They never wait for
	// a target, only for their write, and namespaces take turns. Two cores of an API server are busy with four writes at a
	// time, and eight at 10 ms each are 800 a second; with more, each write takes longer and watches fall behind, of all
	// namespaces: with 32 a crowd of 1,000 aliases follows 15 % sooner, and a neighbour's gate up to 25 s late.
	maxConcurrentAliases = 8
	maxConcurrentGates   = 8
)

// Options are what the reconcilers of one manager have in common.
type Options struct {
	// Resync bounds the time between two reconciles of an object. It must be positive.
	Resync time.Duration
	// MaxStandstill is how long the process may stand still before it ends, see status.Standstill; zero is without a limit.
	MaxStandstill time.Duration
	// Shard says which checks and pods are the manager's own.
	Shard shard.Shard
	// Namespaces that the manager watches; all if empty.
	Namespaces []string
	// ClusterScoped are the cluster-scoped kinds, as Kind or Kind.group, that aliases of all namespaces may refer to; Node by
	// default.
	ClusterScoped []string
	// Sweeper covers the caches of the manager.
	Sweeper *sweep.Sweeper
	// Recorder of the Events of checks.
	Recorder events.EventRecorder
}

// Wiring makes the reconcilers of one manager, with what they share. The program and the specs are wired by it alike; a spec
// replaces in a reconciler what it is about, before it sets that up.
type Wiring struct {
	Options
	// Writer of all statuses.
	Writer *status.Writer

	mgr     ctrl.Manager
	aliases *status.OwnWrites[*v1alpha1.AliasCheck]
}

// Wire is for a manager whose cache has the CacheOptions, and is swept by the Sweeper.
func Wire(mgr ctrl.Manager, options Options) (*Wiring, error) {
	standstill := &status.Standstill{Clock: clock.RealClock{}, Limit: options.MaxStandstill}
	if err := mgr.Add(standstill); err != nil {
		return nil, fmt.Errorf("adding the watch for a standstill: %w", err)
	}
	w := &Wiring{Options: options, mgr: mgr, Writer: &status.Writer{
		Client: mgr.GetClient(), Recorder: options.Recorder, Clock: clock.RealClock{},
		Standstill: standstill, Details: status.NewDetails(),
	}}
	w.aliases = ownWrites[*v1alpha1.AliasCheck](w, status.AliasCheckKind)
	return w, nil
}

func ownWrites[T client.Object](w *Wiring, kind schema.GroupVersionKind) *status.OwnWrites[T] {
	return status.NewOwnWrites[T](kind, clock.RealClock{}, w.Resync, w.Sweeper.FailingSince)
}

// CacheOptions are those of the cache that the reconcilers read from: of each object it keeps what they need. With addresses
// it also keeps those of Services, Nodes and their endpoints, which consent to probes is decided by.
func CacheOptions(namespaces []string, addresses bool) cache.Options {
	strip := target.StripTyped
	if addresses {
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
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

// HealthChecks is the reconciler that probes, as many at once as given.
func (w *Wiring) HealthChecks(prober probe.Prober, maxConcurrentProbes int) *healthcheck.Reconciler {
	return &healthcheck.Reconciler{
		Client:              w.mgr.GetCache(),
		Live:                w.mgr.GetAPIReader(),
		Writer:              w.Writer,
		Prober:              prober,
		Clock:               clock.RealClock{},
		Resync:              w.Resync,
		Shard:               w.Shard,
		Own:                 ownWrites[*v1alpha1.HealthCheck](w, status.HealthCheckKind),
		MaxConcurrentProbes: maxConcurrentProbes,
		ReadGrace:           health.ReadGrace,
		SlotGrace:           health.SlotGrace,
	}
}

// AliasChecks is the reconciler of aliases.
func (w *Wiring) AliasChecks(ctx context.Context) (*aliascheck.Reconciler, error) {
	nodes, err := w.mayWatchNodes(ctx)
	if err != nil {
		return nil, err
	}
	return &aliascheck.Reconciler{
		Client:                  w.mgr.GetClient(),
		Live:                    w.mgr.GetAPIReader(),
		Writer:                  w.Writer,
		Clock:                   clock.RealClock{},
		Resync:                  w.Resync,
		MaxConcurrentReconciles: maxConcurrentAliases,
		Shard:                   w.Shard,
		Namespaces:              w.Namespaces,
		ClusterScoped:           w.ClusterScoped,
		WithoutNodes:            !nodes,
		NewInformer:             w.Sweeper.NewInformer,
		FailingSince:            w.Sweeper.FailingSince,
		Own:                     w.aliases,
		Grace:                   health.ReadGrace,
	}, nil
}

// HealthRules is the reconciler of health rules. There is none, and it is nil, where they may not be read, as with rights in
// some namespaces only: then the built-in rules decide.
func (w *Wiring) HealthRules(ctx context.Context) (*healthrule.Reconciler, error) {
	permitted, err := w.mayWatch(ctx, v1alpha1.GroupVersion.Group, "healthrules")
	if err != nil {
		return nil, err
	}
	if !permitted {
		w.mgr.GetLogger().Info("HealthRules may not be read: the built-in rules decide until the manager starts with that right")
		return nil, nil
	}
	return &healthrule.Reconciler{Client: w.mgr.GetClient()}, nil
}

// ReadinessGates is the reconciler of pods. Its Events have a recorder of their own, so that those of 50,000 pods keep none of
// a check waiting.
func (w *Wiring) ReadinessGates(recorder events.EventRecorder) (*readinessgate.Reconciler, error) {
	served, err := discovery.NewDiscoveryClientForConfigAndClient(w.mgr.GetConfig(), w.mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client for discovery: %w", err)
	}
	uninstall := readinessgate.Uninstall{Discovery: served}
	if len(w.Namespaces) == 0 { // no CRD is in a namespace
		uninstall.CRDs = w.mgr.GetAPIReader()
	}
	return &readinessgate.Reconciler{
		Client:        w.mgr.GetClient(),
		Recorder:      recorder,
		Clock:         clock.RealClock{},
		Resync:        w.Resync,
		Shard:         w.Shard,
		MaxConcurrent: maxConcurrentGates,
		Standstill:    w.Writer.Standstill,
		Details:       status.NewDetails(),
		Aliases:       w.aliases,
		Pods:          ownWrites[*corev1.Pod](w, status.PodKind),
		Uninstalling:  uninstall.UnderWay,
	}, nil
}

// mayWatchNodes asks the API server. A manager for the whole cluster is installed with the right, and is not asked for; one
// with rights in some namespaces has it only where somebody has given it that too, for Nodes belong to no namespace. A watch that is
// refused would be tried again without end, and keep the replica from being ready.
func (w *Wiring) mayWatchNodes(ctx context.Context) (bool, error) {
	if len(w.Namespaces) == 0 {
		return true, nil
	}
	permitted, err := w.mayWatch(ctx, "", "nodes")
	if err == nil && !permitted {
		w.mgr.GetLogger().Info("Nodes may not be read, so that they are no targets: they belong to no namespace")
	}
	return permitted, err
}

// mayWatch asks the API server whether the manager may list and watch a resource in the whole cluster.
func (w *Wiring) mayWatch(ctx context.Context, group, resource string) (bool, error) {
	for _, verb := range []string{"list", "watch"} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Group: group, Resource: resource, Verb: verb},
		}}
		if err := w.mgr.GetClient().Create(ctx, review); err != nil {
			return false, fmt.Errorf("asking whether %s may be read: %w", resource, err)
		}
		if !review.Status.Allowed {
			return false, nil
		}
	}
	return true, nil
}
