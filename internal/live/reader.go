package live

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/share"
)

const (
	// sharedFor is for how long an object that was read is shared. It is less than the shortest interval: each look of a check has a
	// read of its own, for a Lease that has to be renewed each second would else be seen to be renewed every other time.
	sharedFor = 500 * time.Millisecond
	// readTimeout bounds a read. It is not that of the probe which asked first: others wait for it too.
	readTimeout = 10 * time.Second
	// bytesPerSecond of one namespace are read where bytesAtOnce have been; a read is bytesOfARead at least. 2,000 heartbeats a
	// second are within that, and so are large CA bundles: a check whose Secrets are as large as they may be reads 1 MiB each.
	bytesPerSecond = 4 << 20
	bytesAtOnce    = 64 << 20
	bytesOfARead   = 2 << 10
)

// ErrOverShare says that a namespace has read more than its share.
var ErrOverShare = errors.New("the checks of this namespace read more than its share")

// Reader is a live client whose reads are shared and bounded. It does not bound what it writes and watches.
type Reader struct {
	client.WithWatch
	clock clock.PassiveClock
	bytes *share.Buckets

	mu     sync.Mutex
	locked struct { // guarded by mu
		reads map[subject]*read
	}
}

// subject is an object of a type.
type subject struct {
	kind reflect.Type
	types.NamespacedName
}

// read is one that runs, or has ended less than sharedFor ago.
type read struct {
	ended  chan struct{}
	object client.Object
	err    error
}

// NewReader reads with a client that has no cache. Objects have to be of Go types.
func NewReader(live client.WithWatch, clock clock.PassiveClock) *Reader {
	r := &Reader{WithWatch: live, clock: clock, bytes: share.NewBuckets(bytesPerSecond, bytesAtOnce)}
	r.locked.reads = map[subject]*read{}
	return r
}

// Get makes the object what it was when it was read last, sharedFor ago at most. The inside of it is shared.
func (r *Reader) Get(ctx context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	shared := r.start(ctx, subject{reflect.TypeOf(object), key})
	select {
	case <-shared.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if shared.err == nil {
		reflect.ValueOf(object).Elem().Set(reflect.ValueOf(shared.object).Elem())
	}
	return shared.err
}

// start begins a read, unless there is one.
func (r *Reader) start(ctx context.Context, key subject) *read {
	r.mu.Lock()
	defer r.mu.Unlock()
	if running := r.locked.reads[key]; running != nil {
		return running
	}
	started := &read{ended: make(chan struct{}), object: reflect.New(key.kind.Elem()).Interface().(client.Object)}
	r.locked.reads[key] = started
	go r.run(context.WithoutCancel(ctx), key, started)
	return started
}

func (r *Reader) run(ctx context.Context, key subject, current *read) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	current.err = r.bounded(key.Namespace, func() (any, error) {
		return current.object, r.WithWatch.Get(ctx, key.NamespacedName, current.object)
	})
	close(current.ended)
	time.AfterFunc(sharedFor, func() { r.forget(key) })
}

func (r *Reader) forget(key subject) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.locked.reads, key)
}

// List is not shared: who lists wants to see what he has written.
func (r *Reader) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	which := client.ListOptions{}
	which.ApplyOptions(options)
	return r.bounded(which.Namespace, func() (any, error) {
		return list, r.WithWatch.List(ctx, list, options...)
	})
}

// bounded reads for a namespace that has not read more than its share.
func (r *Reader) bounded(namespace string, read func() (any, error)) error {
	now := r.clock.Now()
	if r.bytes.Empty(namespace, now) {
		return ErrOverShare
	}
	what, err := read()
	r.bytes.Spend(namespace, max(sizeOf(what), bytesOfARead), now)
	return err
}

// sizeOf is how many bytes an object had on its way.
func sizeOf(object any) int {
	if sized, ok := object.(interface{ Size() int }); ok {
		return sized.Size()
	}
	return 0
}
