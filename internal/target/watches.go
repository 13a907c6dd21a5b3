package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
)

// What keeps a kind from being read.
var (
	// ErrNotYet says that an event is on its way which will tell what there is: the watch of a kind has only
	// just begun, or the next alias of a chain is about to be evaluated.
	ErrNotYet = errors.New("an answer is on its way")

	errNotInstalled  = errors.New("the kind is not installed")
	errForbidden     = errors.New("the kind may not be read")
	errUnsupported   = errors.New("the kind cannot be listed and watched")
	errClusterScoped = errors.New("the kind is cluster-scoped")
	errNotForAll     = errors.New("the kind is cluster-scoped, and the namespace may not refer to such kinds")
)

// NewInformerFunc makes informers as controller-runtime's cache.Options.NewInformer does.
type NewInformerFunc func(
	toolscache.ListerWatcher, runtime.Object, time.Duration, toolscache.Indexers,
) toolscache.SharedIndexInformer

// Event says that an object of a watched kind has changed; or, without a name, that the kind can be read now, or
// no longer, which concerns all who need it.
type Event struct {
	Kind            schema.GroupKind
	Namespace, Name string
	// Users are the aliases that need the kind, in an event without a name; in one of a HealthRule those that go by it.
	Users []types.NamespacedName
}

// WatchesOptions are what Watches need.
type WatchesOptions struct {
	// Config is that of the API server.
	Config *rest.Config
	// NewInformer is client-go's by default.
	NewInformer NewInformerFunc
	// Namespaces to watch; all if empty.
	Namespaces []string
	// ClusterScoped are the cluster-scoped kinds, as Kind or Kind.group, that aliases of all namespaces may refer to; Node by
	// default.
	ClusterScoped []string
	// Retry is how long to wait before a kind that is not installed, or whose discovery failed, is asked for
	// again. The default is 20 s, well within the minute in which an alias has to notice.
	Retry time.Duration
	// Linger is for how long the objects of a kind are watched after the last alias that needs them. An alias that goes to
	// another kind and back costs no list of all of them then. The default is ten minutes.
	Linger time.Duration
	// Log of what becomes of kinds.
	Log logr.Logger
}

// repeatsPerSecond and repeatsBurst bound how often the API server is asked again for kinds that were absent: authors of
// aliases may make up any number of them. A kind that has no turn is asked for after the next pause. A hundred kinds always have
// theirs, and a kind that is needed for the first time does not wait.
const (
	repeatsPerSecond = 5
	repeatsBurst     = 100
)

// lingerFor is for how long a kind is still watched when no alias needs it.
const lingerFor = 10 * time.Minute

// Watches is an informer for each kind that an alias needs, from the first such alias to a while after the last. Each kind
// has a goroutine of its own which does all that may take time, so that reading here never waits: a kind
// that is slow, forbidden or not installed costs the aliases of other kinds nothing.
type Watches struct {
	options   WatchesOptions
	dynamic   dynamic.Interface
	discovery discovery.ServerResourcesInterfaceWithContext
	// repeats bounds how often it is asked again for what was absent.
	repeats flowcontrol.PassiveRateLimiter

	mu     sync.Mutex
	locked struct { // guarded by mu
		ctx    context.Context // of all watches; nil before Run
		notify func(Event)
		kinds  map[schema.GroupVersionKind]*kindWatch
		// needs is the reverse of the users of the kinds.
		needs map[types.NamespacedName]map[schema.GroupVersionKind]bool
	}
}

// NewWatches makes Watches that do nothing until Run.
func NewWatches(options WatchesOptions) (*Watches, error) {
	dynamicClient, err := dynamic.NewForConfig(options.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client for any kind: %w", err)
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(options.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client for discovery: %w", err)
	}
	if options.NewInformer == nil {
		options.NewInformer = toolscache.NewSharedIndexInformer
	}
	if options.ClusterScoped == nil {
		options.ClusterScoped = []string{kindNode}
	}
	if options.Retry == 0 {
		options.Retry = 20 * time.Second
	}
	if options.Linger == 0 {
		options.Linger = lingerFor
	}
	w := &Watches{options: options, dynamic: dynamicClient, discovery: discoveryClient}
	w.repeats = flowcontrol.NewTokenBucketPassiveRateLimiter(repeatsPerSecond, repeatsBurst)
	w.locked.kinds = map[schema.GroupVersionKind]*kindWatch{}
	w.locked.needs = map[types.NamespacedName]map[schema.GroupVersionKind]bool{}
	return w, nil
}

// Run lets watches begin, tells notify of what they see, and ends them all with ctx. It does not wait.
func (w *Watches) Run(ctx context.Context, notify func(Event)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locked.ctx, w.locked.notify = ctx, notify
	for _, watch := range w.locked.kinds {
		w.start(watch)
	}
}

// notify is called without a lock held.
func (w *Watches) notify(event Event) {
	w.mu.Lock()
	notify := w.locked.notify
	w.mu.Unlock()
	notify(event)
}

// usersOf a watch are aliases: probes ask again each time.
func (w *Watches) usersOf(watch *kindWatch) []types.NamespacedName {
	w.mu.Lock()
	defer w.mu.Unlock()
	users := slices.Collect(maps.Keys(watch.users))
	return slices.DeleteFunc(users, func(user types.NamespacedName) bool { return user == probes })
}

// ruledBy are the aliases that go by the rules of some kinds: those that need such a kind, and HealthRules.
func (w *Watches) ruledBy(rules *kindWatch, kinds []schema.GroupKind) []types.NamespacedName {
	w.mu.Lock()
	defer w.mu.Unlock()
	ruled := map[types.NamespacedName]bool{}
	for kind, watch := range w.locked.kinds {
		if !slices.Contains(kinds, kind.GroupKind()) {
			continue
		}
		for user := range watch.users {
			if rules.users[user] {
				ruled[user] = true
			}
		}
	}
	return slices.Collect(maps.Keys(ruled))
}

// Kinds are those that are watched now, in order.
func (w *Watches) Kinds() []schema.GroupVersionKind {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.SortedFunc(maps.Keys(w.locked.kinds), func(a, b schema.GroupVersionKind) int {
		return cmp.Compare(a.String(), b.String())
	})
}

// lease is what one alias needs. It is taken before the alias is evaluated and released after it: then the
// kinds that were not asked for meanwhile are no longer needed by this alias.
type lease struct {
	watches *Watches
	alias   types.NamespacedName
	asked   map[schema.GroupVersionKind]bool
	read    []origin // what the informers had an answer to
}

func (w *Watches) lease(alias types.NamespacedName) *lease {
	return &lease{watches: w, alias: alias}
}

func (l *lease) get(
	ref Reference, reads needs,
) (object *unstructured.Unstructured, namespaced bool, err error) {
	watch := l.need(ref.GroupVersionKind)
	watch.require(reads)
	object, namespaced, err = watch.get(ref)
	if err == nil && !namespaced {
		err = l.mayReadClusterScoped(ref)
	}
	if err == nil {
		l.read = append(l.read, origin{ref.GroupVersionKind, ref.Namespace})
	}
	return object, namespaced, err
}

// clusterScoped reports whether the kind of a target is known to have no namespaces. The kinds that are always watched
// need no discovery for that: the schema of an alias refuses a namespace for a Node.
func (l *lease) clusterScoped(ref Reference) (bool, error) {
	if !ref.WatchedByKind() {
		return false, nil
	}
	return l.need(ref.GroupVersionKind).clusterScoped()
}

func (l *lease) list(kind schema.GroupVersionKind, namespace string) ([]*unstructured.Unstructured, error) {
	objects, err := l.need(kind).list(namespace)
	if err == nil {
		l.read = append(l.read, origin{kind, namespace})
	}
	return objects, err
}

// need is the watch of a kind, which begins if this alias is the first to need it.
func (l *lease) need(kind schema.GroupVersionKind) *kindWatch {
	if l.asked == nil {
		l.asked = map[schema.GroupVersionKind]bool{}
	}
	l.asked[kind] = true
	w := l.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	watch, running := w.locked.kinds[kind]
	if !running {
		watch = w.begin(kind)
	}
	watch.stays()
	watch.users[l.alias] = true
	if w.locked.needs[l.alias] == nil {
		w.locked.needs[l.alias] = map[schema.GroupVersionKind]bool{}
	}
	w.locked.needs[l.alias][kind] = true
	return watch
}

// begin is called with the lock held.
func (w *Watches) begin(kind schema.GroupVersionKind) *kindWatch {
	watch := newKindWatch(w, kind)
	w.locked.kinds[kind] = watch
	if w.locked.ctx != nil {
		w.start(watch)
	}
	return watch
}

// start is called with the lock held.
func (w *Watches) start(watch *kindWatch) {
	ctx, cancel := context.WithCancel(w.locked.ctx)
	watch.end = cancel
	go watch.run(ctx)
}

// release ends the alias's need of the kinds that it has not asked for, and may not yet ask for.
func (l *lease) release(mayAsk func(schema.GroupVersionKind) bool) {
	w := l.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	for kind := range w.locked.needs[l.alias] {
		if !l.asked[kind] && !mayAsk(kind) {
			w.drop(l.alias, kind)
		}
	}
}

// drop is called with the lock held. After the last alias of a kind its watch lingers, where there is one: of a kind that is
// not there, or may not be read, nothing is kept.
func (w *Watches) drop(alias types.NamespacedName, kind schema.GroupVersionKind) {
	delete(w.locked.needs[alias], kind)
	if len(w.locked.needs[alias]) == 0 {
		delete(w.locked.needs, alias)
	}
	watch := w.locked.kinds[kind]
	delete(watch.users, alias)
	if len(watch.users) > 0 {
		return
	}
	if watch.synced() {
		watch.lingers = time.AfterFunc(w.options.Linger, func() { w.leave(watch) })
		return
	}
	w.finish(watch)
}

// leave ends a watch that nobody needs even now.
func (w *Watches) leave(watch *kindWatch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(watch.users) == 0 && w.locked.kinds[watch.kind] == watch {
		w.finish(watch)
	}
}

// finish is called with the lock held.
func (w *Watches) finish(watch *kindWatch) {
	watch.end()
	delete(w.locked.kinds, watch.kind)
}
