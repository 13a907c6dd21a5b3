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
	asked                asked
	evidence             evidence
	cached               func() []runtime.Object // of the informer; set before it runs

	mu     sync.Mutex
	locked struct { // guarded by mu
		current *connection // nil while there is none
		fresh   bool        // relists shall be of the newest version, see relistOptions

		relistsByWatch bool
	}
}

func newListerWatcher(inner toolscache.ListerWatcher, clock clock.PassiveClock) *listerWatcher {
	return &listerWatcher{
		evidence:                 evidence{clock: clock},
		ListerWatcherWithContext: toolscache.ToListerWatcherWithContext(inner),
		watchListUnsupported:     watchlist.DoesClientNotSupportWatchListSemantics(inner),
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
	list, err := lw.ListerWatcherWithContext.ListWithContext(ctx, lw.relistOptions(options))
	if err != nil {
		lw.evidence.failed(began, err)
		return nil, err
	}
	if page, err := meta.ListAccessor(list); err == nil && page.GetContinue() == "" {
		lw.evidence.confirmed()
		lw.relisted(nil)
	}
	return list, nil
}

// WatchWithContext is part of cache.ListerWatcherWithContext.
func (lw *listerWatcher) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	initial := options.SendInitialEvents != nil && *options.SendInitialEvents
	if initial {
		options = lw.relistOptions(options)
	}
	ctx, cancel := context.WithCancel(withAsked(ctx, &lw.asked))
	source, c, err := lw.connect(ctx, options, initial)
	if err != nil {
		cancel()
		return nil, err
	}
	s := &stream{connection: c, source: source, cached: lw.cached}
	s.ended = func(c *connection) { cancel(); lw.forget(c) }
	s.relisted = lw.relisted
	if lw.relistsByWatch(initial) {
		s.reopen = func() (watch.Interface, *connection, error) { return lw.connect(ctx, fromTheStart(options), true) }
	}
	s.start()
	return s, nil
}

// connect opens a watch. The connection counts from here, and not from the API server's answer, so that a
// request which is never answered can be expired too.
func (lw *listerWatcher) connect(
	ctx context.Context, options metav1.ListOptions, initial bool,
) (watch.Interface, *connection, error) {
	began := lw.evidence.clock.Now()
	c := newConnection(initial, &lw.evidence)
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
	if err == nil {
		if !initial { // one that begins with all objects has to deliver them first
			lw.evidence.heard()
		}
		return source, c, nil // its context ends with the stream's
	}
	lw.evidence.failed(began, err)
	cancel()
	lw.forget(c)
	if c.isExpired() {
		return nil, nil, expiredError()
	}
	return nil, nil, err
}

// fromTheStart begins a watch with all objects of the newest version.
func fromTheStart(options metav1.ListOptions) metav1.ListOptions {
	sendInitialEvents := true
	options.SendInitialEvents = &sendInitialEvents
	options.AllowWatchBookmarks = true
	options.ResourceVersion = ""
	options.ResourceVersionMatch = metav1.ResourceVersionMatchNotOlderThan
	return options
}

// relistsByWatch is true once the reflector has asked for that.
func (lw *listerWatcher) relistsByWatch(asks bool) bool {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	lw.locked.relistsByWatch = lw.locked.relistsByWatch || asks
	return lw.locked.relistsByWatch
}

// relistOptions asks for the newest version after an expiry, until a relist has succeeded. A reflector asks for
// one that is not older than what it has seen, and an API server whose own watch cache is behind would answer that
// with the very state which the sweep found to be stale.
func (lw *listerWatcher) relistOptions(options metav1.ListOptions) metav1.ListOptions {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if lw.locked.fresh && options.Continue == "" {
		options.ResourceVersion = ""
	}
	return options
}

// relisted notes that all objects have been listed, by this connection or, where it is nil, by a list. One that
// has been expired meanwhile has begun before whatever made that necessary.
func (lw *listerWatcher) relisted(by *connection) {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if by == nil || !by.isExpired() {
		lw.locked.fresh = false
	}
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

// current is the connection that is there now, or nil. What a look finds wrong is held against the connection that
// was there before the look, and not against one that has come since.
func (lw *listerWatcher) current() *connection {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	return lw.locked.current
}

// expire ends a connection. It is false if that has gone already, and another put the cache right since.
func (lw *listerWatcher) expire(c *connection) bool {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if c == nil || c != lw.locked.current || c.isExpired() {
		return false
	}
	lw.locked.fresh = true
	c.expire()
	return true
}
