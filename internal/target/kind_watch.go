package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// kindWatch watches one kind. Its goroutine finds the kind in the discovery of the API server, runs informers
// while the kind is there, and starts over, after a while, when it is not. An informer retries by itself what
// may pass, such as a permission that is still to come.
type kindWatch struct {
	watches *Watches
	kind    schema.GroupVersionKind
	end     context.CancelFunc
	users   map[types.NamespacedName]bool // guarded by watches.mu
	lingers *time.Timer                   // guarded by watches.mu; ends the watch if nobody needs it again

	mu     sync.Mutex
	locked struct { // guarded by mu
		missing    error              // why discovery has no such kind
		sources    map[string]*source // by namespace; nil while the kind is not there
		namespaced bool
		// needs only grow while the kind is watched: what an alias no longer needs is not worth a list of all objects.
		needs needs
	}
}

// source is the informer of one namespace, or of all. If one may not be read, or is slow, that does not
// concern the others. Its fields are guarded by the mu of its kindWatch.
type source struct {
	informer toolscache.SharedIndexInformer
	synced   bool
	keeps    needs              // what the informer keeps of an object
	renew    context.CancelFunc // ends the informer: one with nothing in it follows
	// err is why it cannot be read, separately for its lists and its watches: while lists are allowed and watches
	// are not, a list that succeeds does not mean that it can be read.
	err [operations]error
	// suspected are refusals of a source that had synced, until they are confirmed.
	suspected [operations]bool
}

// operation on a kind that may fail for a reason of its own.
type operation int

const (
	lists operation = iota
	watchesKind
	operations
)

func newKindWatch(w *Watches, kind schema.GroupVersionKind) *kindWatch {
	k := &kindWatch{watches: w, kind: kind, end: func() {}, users: map[types.NamespacedName]bool{}}
	k.locked.needs = read(kind.GroupKind(), rules.BuiltIn(kind.GroupKind()))
	return k
}

// stays is called with the lock of the Watches held.
func (k *kindWatch) stays() {
	if k.lingers != nil {
		k.lingers.Stop()
		k.lingers = nil
	}
}

// synced reports whether objects of the kind are there to be read.
func (k *kindWatch) synced() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, from := range k.locked.sources {
		if from.synced {
			return true
		}
	}
	return false
}

// require makes sure that what an alias reads of the objects is kept of them. If something was not kept, the informers begin
// again, and until they have all objects the kind cannot be read.
func (k *kindWatch) require(wanted needs) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked.needs.has(wanted) {
		return
	}
	k.locked.needs = k.locked.needs.union(wanted)
	for _, from := range k.locked.sources {
		from.synced = false
		if from.renew != nil {
			from.renew()
		}
	}
}

// get reads one object; nil if it does not exist. Namespaced says whether objects of the kind are.
func (k *kindWatch) get(ref Reference) (object *unstructured.Unstructured, namespaced bool, err error) {
	informer, namespaced, err := k.ready(ref.Namespace)
	if err != nil || informer == nil {
		return nil, namespaced, err
	}
	key := ref.Name
	if namespaced {
		key = ref.Namespace + "/" + ref.Name
	} else if ref.Explicit {
		return nil, false, errClusterScoped
	}
	found, there, err := informer.GetStore().GetByKey(key)
	if err != nil || !there {
		return nil, namespaced, err
	}
	return found.(*unstructured.Unstructured), namespaced, nil
}

// list reads the objects of a namespace.
func (k *kindWatch) list(namespace string) ([]*unstructured.Unstructured, error) {
	informer, _, err := k.ready(namespace)
	if err != nil || informer == nil {
		return nil, err
	}
	objects, err := informer.GetIndexer().ByIndex(toolscache.NamespaceIndex, namespace)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", k.kind.Kind, err)
	}
	found := make([]*unstructured.Unstructured, 0, len(objects))
	for _, object := range objects {
		found = append(found, object.(*unstructured.Unstructured))
	}
	return found, nil
}

// clusterScoped reports whether the kind is known to have no namespaces. It is ErrNotYet only until discovery has been
// asked once, so that a restart does not first treat such a kind as any other.
func (k *kindWatch) clusterScoped() (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked.sources == nil && k.locked.missing == nil {
		return false, ErrNotYet
	}
	return k.locked.sources != nil && !k.locked.namespaced, nil
}

// ready is the informer that has the objects of a namespace; nil if no informer watches it.
func (k *kindWatch) ready(namespace string) (toolscache.SharedIndexInformer, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked.missing != nil {
		return nil, false, k.locked.missing
	}
	if k.locked.sources == nil {
		return nil, false, ErrNotYet
	}
	from, watched := k.locked.sources[namespace]
	if !watched {
		from, watched = k.locked.sources[metav1.NamespaceAll]
	}
	if !watched {
		return nil, k.locked.namespaced, nil
	}
	for _, err := range from.err {
		if err != nil {
			return nil, false, err
		}
	}
	if !from.synced {
		return nil, false, ErrNotYet
	}
	return from.informer, k.locked.namespaced, nil
}

// run lasts until the watch ends.
func (k *kindWatch) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !k.absent() || k.watches.repeats.TryAccept() {
			k.serve(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(k.watches.options.Retry):
		}
	}
}

// absent reports whether discovery has answered that there is no such kind, or none to be read.
func (k *kindWatch) absent() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return lasting(k.locked.missing)
}

// serve watches the kind until it is gone.
func (k *kindWatch) serve(ctx context.Context) {
	resource, namespaced, err := k.discover(ctx)
	if ctx.Err() != nil {
		return
	}
	k.discovered(err)
	if err != nil {
		return
	}
	ctx, gone := context.WithCancel(ctx)
	defer gone()
	var running sync.WaitGroup
	for namespace, from := range k.open(namespaced) {
		running.Go(func() {
			for ctx.Err() == nil {
				k.fill(ctx, from, k.listWatch(resource, namespace, from, gone))
			}
		})
	}
	running.Wait()
	k.close()
}

// fill runs an informer until the kind is gone, or the source may no longer be read. What was seen before a ban is
// then never shown after it: the next informer begins with nothing.
func (k *kindWatch) fill(ctx context.Context, from *source, lists toolscache.ListerWatcher) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	k.mu.Lock()
	keeps := k.locked.needs
	k.mu.Unlock()
	informer := k.informer(lists, keeps)
	k.mu.Lock()
	from.informer, from.synced, from.renew, from.keeps = informer, false, end, keeps
	if !keeps.has(k.locked.needs) { // they have grown meanwhile
		end()
	}
	k.mu.Unlock()
	var running sync.WaitGroup
	running.Go(func() { informer.RunWithContext(ctx) })
	if toolscache.WaitFor(ctx, "", informer.HasSyncedChecker()) {
		k.hasSynced(from)
	}
	running.Wait()
}

// open makes a source for each namespace that the manager watches, or one for all.
func (k *kindWatch) open(namespaced bool) map[string]*source {
	namespaces := k.watches.options.Namespaces
	if len(namespaces) == 0 || !namespaced {
		namespaces = []string{metav1.NamespaceAll}
	}
	sources := map[string]*source{}
	for _, namespace := range namespaces {
		sources[namespace] = &source{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.locked.sources, k.locked.namespaced = sources, namespaced
	return sources
}

func (k *kindWatch) hasSynced(from *source) {
	k.mu.Lock()
	from.synced = from.keeps.has(k.locked.needs) // the next informer will have what this one lacks
	k.mu.Unlock()
	k.tell()
}

// close forgets what the informers had, and the problems that were theirs.
func (k *kindWatch) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.locked.sources = nil
}

// tell wakes all aliases that need the kind, along a chain too: it can be read now, or no longer.
func (k *kindWatch) tell() { k.notify(Event{Kind: k.kind.GroupKind(), Users: k.watches.usersOf(k)}) }

// discoveryTimeout bounds the question whether a kind is there.
const discoveryTimeout = 30 * time.Second

// discover asks the API server itself each time: nothing that was remembered could be stale.
func (k *kindWatch) discover(ctx context.Context) (schema.GroupVersionResource, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	version := k.kind.GroupVersion()
	resources, err := k.watches.discovery.ServerResourcesForGroupVersionWithContext(ctx, version.String())
	if err != nil {
		return schema.GroupVersionResource{}, false, classified(err)
	}
	found := errNotInstalled
	for _, r := range resources.APIResources {
		if r.Kind != k.kind.Kind || strings.Contains(r.Name, "/") {
			continue
		}
		if watchable(r) {
			return version.WithResource(r.Name), r.Namespaced, nil
		}
		found = errUnsupported
	}
	return schema.GroupVersionResource{}, false, found
}

func watchable(r metav1.APIResource) bool {
	verbs := map[string]bool{}
	for _, verb := range r.Verbs {
		verbs[verb] = true
	}
	return verbs["list"] && verbs["watch"]
}

func classified(err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return errNotInstalled
	case apierrors.IsForbidden(err):
		return errForbidden
	case apierrors.IsMethodNotSupported(err):
		return errUnsupported
	default:
		return err
	}
}

// discovered keeps the result of a discovery, and notifies the aliases if it is news.
func (k *kindWatch) discovered(err error) {
	k.mu.Lock()
	before := k.locked.missing
	k.locked.missing = err
	k.mu.Unlock()
	k.tellNews(before, err)
}

// told keeps the result of an operation of a source, and notifies the aliases if it is news. Once the source has synced, an
// error that may pass is ignored: the reflector goes on, and the sweep says for how long it has failed.
func (k *kindWatch) told(from *source, what operation, err error) {
	k.mu.Lock()
	if from.synced && !from.believes(what, err) {
		k.mu.Unlock()
		return
	}
	before := from.err[what]
	from.err[what] = err
	if from.synced && lasting(err) && before == nil {
		from.synced = false
		from.renew()
	}
	k.mu.Unlock()
	k.tellNews(before, err)
}

// believes reports whether the answer to a source that has synced counts. A ban counts after two refusals in a row: an
// API server that has only just begun knows no roles yet. It is called with the lock held.
func (s *source) believes(what operation, err error) bool {
	confirmed := s.suspected[what]
	s.suspected[what] = lasting(err)
	return err == nil || lasting(err) && (confirmed || s.err[what] != nil)
}

// tellNews compares kinds of errors, and not their texts: those of a broken connection name a port of this side.
func (k *kindWatch) tellNews(before, err error) {
	if (before == nil) == (err == nil) && lasting(before) == lasting(err) && (!lasting(err) || errors.Is(before, err)) {
		return
	}
	k.watches.options.Log.Info("A watched kind has changed", "kind", k.kind.String(), "problem", fmt.Sprint(err))
	k.tell()
}

// lasting reports whether an error says what the API server has or allows, and not that it could not be asked.
func lasting(err error) bool {
	return errors.Is(err, errNotInstalled) || errors.Is(err, errForbidden) || errors.Is(err, errUnsupported)
}

func (k *kindWatch) informer(source toolscache.ListerWatcher, keeps needs) toolscache.SharedIndexInformer {
	example := &unstructured.Unstructured{}
	example.SetGroupVersionKind(k.kind)
	informer := k.watches.options.NewInformer(source, example, 0,
		toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc})
	// These fail only once an informer runs or has stopped, and this one is new.
	_ = informer.SetTransform(keeps.strip())
	_ = informer.SetWatchErrorHandlerWithContext(func(context.Context, *toolscache.Reflector, error) {
		// Told by listWatch already, once and not with every retry.
	})
	_, _ = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(added any) { k.changed(nil, added) },
		UpdateFunc: func(before, after any) {
			if !sameHealth(before, after) {
				k.changed(before, after)
			}
		},
		DeleteFunc: func(last any) {
			if unseen, ok := last.(toolscache.DeletedFinalStateUnknown); ok {
				last = unseen.Obj
			}
			k.changed(last, nil)
		},
	})
	return informer
}

func (k *kindWatch) notify(event Event) { k.watches.notify(event) }

// changed tells of an object that came, went, or is another than before.
func (k *kindWatch) changed(before, after any) {
	was, _ := before.(*unstructured.Unstructured)
	is, _ := after.(*unstructured.Unstructured)
	object := cmp.Or(is, was)
	if object == nil {
		return
	}
	event := Event{Kind: k.kind.GroupKind(), Namespace: object.GetNamespace(), Name: object.GetName()}
	if event.Kind == RuleKind {
		event.Users = k.watches.ruledBy(k, targetsOf(was, is))
	}
	k.notify(event)
}

// listWatch takes note of what each list and watch comes to.
func (k *kindWatch) listWatch(
	resource schema.GroupVersionResource, namespace string, from *source, gone func(),
) toolscache.ListerWatcher {
	client := k.watches.dynamic.Resource(resource).Namespace(namespace)
	note := func(what operation, err error) {
		if ignorable(err) {
			return
		}
		if err != nil {
			err = classified(err)
		}
		if errors.Is(err, errNotInstalled) {
			k.discovered(err)
			gone()
			return
		}
		k.told(from, what, err)
	}
	return toolscache.ToListWatcherWithWatchListSemantics(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := client.List(ctx, options)
			note(lists, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := client.Watch(ctx, options)
			note(watchesKind, err)
			if err == nil && options.SendInitialEvents != nil && *options.SendInitialEvents {
				note(lists, nil) // this watch is a list too
			}
			return w, err
		},
	}, k.watches.dynamic)
}

// ignorable errors belong to the ordinary life of a watch: it ended with its informer, or has to relist.
func ignorable(err error) bool {
	return errors.Is(err, context.Canceled) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}
