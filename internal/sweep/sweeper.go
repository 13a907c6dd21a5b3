package sweep

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const (
	// maxGrace is how long a cache may be behind before that counts as a loss. With the looks and the repair, what was lost is
	// repaired within an interval and 5 s.
	maxGrace = 3 * time.Second
	// minLookTimeout bounds one list of live metadata, however short the interval.
	minLookTimeout = 10 * time.Second
)

// Options of a Sweeper.
type Options struct {
	// Interval is the longest time between two comparisons of one kind. It must be positive.
	Interval time.Duration
	// Grace is how long the cache may be behind before that counts as a loss. The default is a fifth of the
	// interval, and never more than 3 s.
	Grace time.Duration
	// Scheme names the kinds of typed informers.
	Scheme *runtime.Scheme
	// Registerer gets aliascheck_sweep_stale_objects_total; nil for none.
	Registerer prometheus.Registerer
	// Log of expiries and of failed sweeps.
	Log logr.Logger
	// Clock is the real one by default.
	Clock clock.WithTicker
}

// Sweeper compares caches with the API server that they were filled from. Make one for each manager, and
// Attach it.
type Sweeper struct {
	interval, grace time.Duration
	scheme          *runtime.Scheme
	log             logr.Logger
	clock           clock.WithTicker
	stale           *prometheus.CounterVec
	running         informers

	client metadata.Interface
	prefix string // of the API server's URL
}

// New fails if an option makes no sense.
func New(options Options) (*Sweeper, error) {
	if options.Interval <= 0 {
		return nil, fmt.Errorf("the sweep interval must be positive, not %s", options.Interval)
	}
	if options.Scheme == nil {
		return nil, errors.New("the sweep needs a scheme")
	}
	s := &Sweeper{
		interval: options.Interval,
		grace:    options.Grace,
		scheme:   options.Scheme,
		log:      options.Log,
		clock:    options.Clock,
		stale: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aliascheck_sweep_stale_objects_total",
			Help: "Objects that a sweep found stale in the watch cache. It should stay 0.",
		}, []string{"kind"}),
	}
	if s.grace == 0 {
		s.grace = min(maxGrace, options.Interval/5)
	}
	if s.clock == nil {
		s.clock = clock.RealClock{}
	}
	if options.Registerer != nil {
		if err := options.Registerer.Register(s.stale); err != nil {
			return nil, fmt.Errorf("registering the metric of the sweep: %w", err)
		}
	}
	return s, nil
}

// Attach makes the sweeper cover every informer of a cache that is made from these two: those that run from
// the start, and those that come and go. It must be called before the cache, or its manager, is made.
func (s *Sweeper) Attach(config *rest.Config, options *cache.Options) error {
	own := rest.CopyConfig(config)
	own.QPS = -1 // the pages of a sweep come one after the other, which is limit enough
	client, err := metadata.NewForConfig(metadata.ConfigFor(own))
	if err != nil {
		return fmt.Errorf("making a metadata client for the sweep: %w", err)
	}
	address, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return fmt.Errorf("reading the address of the API server: %w", err)
	}
	s.client, s.prefix = client, address.Path
	config.Wrap(recordQuestions)
	options.NewInformer = s.NewInformer
	return nil
}

// NewInformer makes an informer that is swept for as long as it runs.
func (s *Sweeper) NewInformer(
	inner toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers,
) toolscache.SharedIndexInformer {
	watches := newListerWatcher(inner, example, s.clock)
	kind := s.kindOf(example)
	s.stale.WithLabelValues(kind.Kind) // a counter that is there from the start can be alerted on
	i := &informer{
		SharedIndexInformer: toolscache.NewSharedIndexInformer(watches, example, resync, indexers),
		sweeper:             s,
		kind:                kind,
		watches:             watches,
		hurried:             make(chan struct{}, 1),
		log:                 s.log.WithValues("kind", kind.Kind),
	}
	watches.cached = i.objects
	return i
}

func (s *Sweeper) kindOf(example runtime.Object) schema.GroupVersionKind {
	gvk, err := apiutil.GVKForObject(example, s.scheme)
	if err != nil { // unreachable: the cache could not have made the ListerWatcher
		return schema.GroupVersionKind{Kind: fmt.Sprintf("%T", example)}
	}
	return gvk
}

// FailingSince is since when every attempt to list, watch or compare the objects of a kind in a namespace has failed,
// so that nobody knows whether the cache has them as they are; zero while it can be believed, and for kinds that
// are not watched by a swept informer. The namespace of cluster-scoped objects is empty.
//
// While comparisons fail, a watch that delivers (bookmarks at least) is believed for a limited time.
func (s *Sweeper) FailingSince(kind schema.GroupVersionKind, namespace string) time.Time {
	first := time.Time{}
	for _, i := range s.running.ofKind(kind) {
		since := i.watches.evidence.failingSince(max(trust, 2*s.interval))
		if !since.IsZero() && (first.IsZero() || since.Before(first)) && i.watchesIn(namespace) {
			first = since
		}
	}
	return first
}

// informers are those that run, by kind.
type informers struct {
	mu     sync.RWMutex
	locked struct { // guarded by mu
		byKind map[schema.GroupVersionKind][]*informer // lists are replaced, and never changed
	}
}

func (r *informers) add(i *informer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.locked.byKind == nil {
		r.locked.byKind = map[schema.GroupVersionKind][]*informer{}
	}
	r.locked.byKind[i.kind] = append(slices.Clone(r.locked.byKind[i.kind]), i)
}

func (r *informers) remove(i *informer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(r.locked.byKind[i.kind]), func(other *informer) bool { return other == i })
	if len(left) == 0 {
		delete(r.locked.byKind, i.kind)
		return
	}
	r.locked.byKind[i.kind] = left
}

func (r *informers) ofKind(kind schema.GroupVersionKind) []*informer {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.locked.byKind[kind]
}

// hurry is called after a loss. Other watches may have lost events too, and may lose the changes that follow from the repair.
// So a chain of losses is repaired well within another interval, however long the chain is.
func (r *informers) hurry() {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, ofKind := range r.locked.byKind {
		for _, i := range ofKind {
			i.hurry()
		}
	}
}

// lookTimeout bounds one list with all its pages.
func (s *Sweeper) lookTimeout() time.Duration { return max(s.interval/2, minLookTimeout) }

// soon is how long after a loss the next round comes: 5 to 10 s with an interval of a minute. By then what follows from the
// repair has been written.
func (s *Sweeper) soon() time.Duration { return s.interval/12 + rand.N(s.interval/12+1) }

// retryAfter is how long to wait after sweeps that failed: soon at first, never more often than is kind to an
// API server in trouble, and never longer than a sweep that succeeds would.
func (s *Sweeper) retryAfter() *wait.Backoff {
	return &wait.Backoff{Duration: s.interval / 10, Factor: 2, Jitter: 0.1, Steps: 10, Cap: s.interval * 8 / 10}
}
