package target

import (
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
)

// kindWatch watches one kind. Its goroutine finds the kind in the discovery of the API server, runs informers
// while the kind is there, and starts over, after a while, when it is not. An informer retries by itself what
// may pass, such as a permission that is still to come.
type kindWatch struct {
	watches *Watches
	kind    schema.GroupVersionKind
	notify  func(Event)
	end     context.CancelFunc
	users   map[types.NamespacedName]bool // guarded by watches.mu

	mu     sync.Mutex
	locked struct { // guarded by mu
		informers  []toolscache.SharedIndexInformer // none until all have synced
		namespaced bool
		// err is why the kind cannot be read, told of its discovery, lists and watches apart: while lists
		// are allowed and watches are not, a list that succeeds is no good news.
		err [operations]error
	}
}

// operation on a kind that may fail for a reason of its own.
type operation int

const (
	discovers operation = iota
	lists
	watchesKind
	operations
)

func newKindWatch(w *Watches, kind schema.GroupVersionKind) *kindWatch {
	return &kindWatch{watches: w, kind: kind, end: func() {}, notify: func(Event) {}, users: map[types.NamespacedName]bool{}}
}

// get reads one object; nil where there is none.
func (k *kindWatch) get(ref Reference) (*unstructured.Unstructured, error) {
	informers, namespaced, err := k.ready()
	if err != nil {
		return nil, err
	}
	key := ref.Name
	if namespaced {
		key = ref.Namespace + "/" + ref.Name
	} else if ref.Explicit {
		return nil, errClusterScoped
	}
	for _, informer := range informers {
		object, found, err := informer.GetStore().GetByKey(key)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", ref, err)
		}
		if found {
			return object.(*unstructured.Unstructured), nil
		}
	}
	return nil, nil
}

// list reads the objects of a namespace.
func (k *kindWatch) list(namespace string) ([]*unstructured.Unstructured, error) {
	informers, _, err := k.ready()
	if err != nil {
		return nil, err
	}
	var found []*unstructured.Unstructured
	for _, informer := range informers {
		objects, err := informer.GetIndexer().ByIndex(toolscache.NamespaceIndex, namespace)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", k.kind.Kind, err)
		}
		for _, object := range objects {
			found = append(found, object.(*unstructured.Unstructured))
		}
	}
	return found, nil
}

func (k *kindWatch) ready() ([]toolscache.SharedIndexInformer, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, err := range k.locked.err {
		if err != nil {
			return nil, false, err
		}
	}
	if k.locked.informers == nil {
		return nil, false, ErrNotYet
	}
	return k.locked.informers, k.locked.namespaced, nil
}

// run lasts as long as any alias needs the kind.
func (k *kindWatch) run(ctx context.Context) {
	for ctx.Err() == nil {
		k.serve(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(k.watches.options.Retry):
		}
	}
}

// serve watches the kind until it is gone.
func (k *kindWatch) serve(ctx context.Context) {
	resource, namespaced, err := k.discover(ctx)
	if ctx.Err() != nil {
		return
	}
	k.told(discovers, err)
	if err != nil {
		return
	}
	ctx, gone := context.WithCancel(ctx)
	defer gone()
	informers := k.informers(resource, namespaced, gone)
	var running sync.WaitGroup
	for _, informer := range informers {
		running.Go(func() { informer.RunWithContext(ctx) })
	}
	if waitForSync(ctx, informers) {
		k.synced(informers, namespaced)
	}
	running.Wait()
	k.ended()
}

func waitForSync(ctx context.Context, informers []toolscache.SharedIndexInformer) bool {
	synced := make([]toolscache.DoneChecker, 0, len(informers))
	for _, informer := range informers {
		synced = append(synced, informer.HasSyncedChecker())
	}
	return toolscache.WaitFor(ctx, "", synced...)
}

func (k *kindWatch) synced(informers []toolscache.SharedIndexInformer, namespaced bool) {
	k.mu.Lock()
	k.locked.informers, k.locked.namespaced = informers, namespaced
	k.mu.Unlock()
	k.notify(Event{Kind: k.kind.GroupKind()})
}

// ended forgets what the informers had, and the problems that were theirs.
func (k *kindWatch) ended() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.locked.informers = nil
	k.locked.err[lists], k.locked.err[watchesKind] = nil, nil
}

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
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return errForbidden
	case apierrors.IsMethodNotSupported(err):
		return errUnsupported
	default:
		return err
	}
}

// told keeps what an operation came to, and says so when that is news.
func (k *kindWatch) told(what operation, err error) {
	k.mu.Lock()
	before := k.locked.err[what]
	k.locked.err[what] = err
	k.mu.Unlock()
	if errors.Is(before, err) || before != nil && err != nil && before.Error() == err.Error() {
		return
	}
	k.watches.options.Log.Info("A watched kind has changed", "kind", k.kind.String(), "problem", fmt.Sprint(err))
	k.notify(Event{Kind: k.kind.GroupKind()})
}

// informers are one for each namespace that the manager watches, or one for all. They call gone when the API
// server no longer knows the resource.
func (k *kindWatch) informers(
	resource schema.GroupVersionResource, namespaced bool, gone func(),
) []toolscache.SharedIndexInformer {
	namespaces := k.watches.options.Namespaces
	if len(namespaces) == 0 || !namespaced {
		namespaces = []string{metav1.NamespaceAll}
	}
	informers := make([]toolscache.SharedIndexInformer, 0, len(namespaces))
	for _, namespace := range namespaces {
		informers = append(informers, k.informer(k.listWatch(resource, namespace, gone)))
	}
	return informers
}

func (k *kindWatch) informer(source toolscache.ListerWatcher) toolscache.SharedIndexInformer {
	example := &unstructured.Unstructured{}
	example.SetGroupVersionKind(k.kind)
	informer := k.watches.options.NewInformer(source, example, 0,
		toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc})
	// These fail only once an informer runs or has stopped, and this one is new.
	_ = informer.SetTransform(strip)
	_ = informer.SetWatchErrorHandlerWithContext(func(context.Context, *toolscache.Reflector, error) {
		// Told by listWatch already, once and not with every retry.
	})
	_, _ = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: k.changed,
		UpdateFunc: func(before, after any) {
			if !sameHealth(before, after) {
				k.changed(after)
			}
		},
		DeleteFunc: k.changed,
	})
	return informer
}

func (k *kindWatch) changed(object any) {
	if last, deleted := object.(toolscache.DeletedFinalStateUnknown); deleted {
		object = last.Obj
	}
	if o, ok := object.(*unstructured.Unstructured); ok {
		k.notify(Event{Kind: k.kind.GroupKind(), Namespace: o.GetNamespace(), Name: o.GetName()})
	}
}

// listWatch takes note of what each list and watch comes to.
func (k *kindWatch) listWatch(
	resource schema.GroupVersionResource, namespace string, gone func(),
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
			k.told(discovers, err)
			gone()
			return
		}
		k.told(what, err)
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

// ignorable errors belong to the ordinary life of a watch: it ended with its informer, or shall relist.
func ignorable(err error) bool {
	return errors.Is(err, context.Canceled) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}
