package sweep

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/watchlist"
	"k8s.io/utils/clock"
)

// listTimeout ends a list that hangs, at twice what an API server allows for one. A reflector gives its lists
// no deadline, and while one hangs there is no watch that could be expired.
const listTimeout = 2 * time.Minute

// listerWatcher is an informer's own, with watches that can be expired.
type listerWatcher struct {
	toolscache.ListerWatcherWithContext
	watchListUnsupported bool
	example              runtime.Object // of the kind
	cached               func() []runtime.Object
	asked                asked
	evidence             evidence

	mu     sync.Mutex
	locked struct { // guarded by mu
		current *connection // nil while nothing is watched
	}
}

func newListerWatcher(inner toolscache.ListerWatcher, example runtime.Object, clock clock.PassiveClock) *listerWatcher {
	return &listerWatcher{
		ListerWatcherWithContext: toolscache.ToListerWatcherWithContext(inner),
		watchListUnsupported:     watchlist.DoesClientNotSupportWatchListSemantics(inner),
		example:                  example,
		evidence:                 evidence{clock: clock},
	}
}

// IsWatchListSemanticsUnSupported is how a reflector asks whether it may relist by watch.
func (lw *listerWatcher) IsWatchListSemanticsUnSupported() bool { return lw.watchListUnsupported }

// List is part of cache.ListerWatcher; reflectors call ListWithContext.
func (lw *listerWatcher) List(options metav1.ListOptions) (runtime.Object, error) {
	return lw.ListWithContext(context.Background(), options)
}

// Watch is part of cache.ListerWatcher; reflectors call WatchWithContext.
func (lw *listerWatcher) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return lw.WatchWithContext(context.Background(), options)
}

// ListWithContext is part of cache.ListerWatcherWithContext.
func (lw *listerWatcher) ListWithContext(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	began := lw.evidence.clock.Now()
	ctx, cancel := context.WithTimeout(withAsked(ctx, &lw.asked), listTimeout)
	defer cancel()
	list, err := lw.ListerWatcherWithContext.ListWithContext(ctx, options)
	if err != nil {
		lw.evidence.failed(began, err)
		return nil, err
	}
	if page, err := meta.ListAccessor(list); err == nil && page.GetContinue() == "" {
		lw.evidence.confirmed()
	}
	return list, nil
}

// WatchWithContext is part of cache.ListerWatcherWithContext. A watch may be expired before the API server has answered;
// it is then repaired in the same way.
func (lw *listerWatcher) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	ctx, cancel := context.WithCancel(withAsked(ctx, &lw.asked))
	c := newConnection(options.SendInitialEvents != nil && *options.SendInitialEvents, &lw.evidence)
	source, err := lw.connect(ctx, options, c)
	if err != nil && !c.isExpired() {
		cancel()
		lw.forget(c)
		return nil, err
	}
	s := &stream{connection: c, source: source, cancel: cancel}
	s.repair = func() ([]watch.Event, error) { return lw.lost(ctx) }
	s.ended = func() { cancel(); lw.forget(c) }
	s.start()
	return s, nil
}

// connect opens a watch. The connection counts from here, and not from the API server's answer, so that a
// request which is never answered can be expired too.
func (lw *listerWatcher) connect(ctx context.Context, options metav1.ListOptions, c *connection) (watch.Interface, error) {
	began := lw.evidence.clock.Now()
	lw.setCurrent(c)
	ctx, cancel := context.WithCancel(ctx)
	answered := make(chan struct{})
	go func() {
		select {
		case <-c.expired:
			cancel()
		case <-answered:
		}
	}()
	source, err := lw.ListerWatcherWithContext.WatchWithContext(ctx, options)
	close(answered)
	if err != nil {
		lw.evidence.failed(began, err)
		cancel()
		return nil, err
	}
	if !c.initial.Load() { // one that begins with all objects has to deliver them first
		lw.evidence.heard()
	}
	return source, nil // its context ends with the stream's
}

func (lw *listerWatcher) setCurrent(c *connection) {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	lw.locked.current = c
}

func (lw *listerWatcher) forget(c *connection) {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if lw.locked.current == c {
		lw.locked.current = nil
	}
}

// current is the present connection, or nil. A comparison expires the connection that existed before it began, and not one
// that has come since.
func (lw *listerWatcher) current() *connection {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	return lw.locked.current
}

// expire ends a connection. It returns false if the connection has ended already: then another has filled the cache since.
func (lw *listerWatcher) expire(c *connection) bool {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if c == nil || c != lw.locked.current || c.isExpired() {
		return false
	}
	c.expire()
	return true
}
