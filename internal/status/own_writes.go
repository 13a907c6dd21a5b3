package status

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target"
)

// The kinds whose writes this process remembers.
var (
	HealthCheckKind = v1alpha1.GroupVersion.WithKind("HealthCheck")
	AliasCheckKind  = v1alpha1.GroupVersion.WithKind("AliasCheck")
	PodKind         = corev1.SchemeGroupVersion.WithKind("Pod")
)

// OwnWrites are the objects of one kind as this process wrote them, until its watch cache has them; as client-go's
// MutationCache. Mostly that takes a moment. Where the API server takes writes of a kind and fails to list and watch it, it
// takes as long as that lasts. Without it we would compare against a stale cache, conclude that nothing changed, and skip the
// write. controller-runtime's EnableReadYourWritesConsistency does not serve: it blocks a read while the watch is stalled.
type OwnWrites[T client.Object] struct {
	kind         schema.GroupVersionKind
	clock        clock.PassiveClock
	believed     time.Duration
	failingSince target.FailingSinceFunc

	mu     sync.Mutex
	locked struct { // guarded by mu
		byName map[types.NamespacedName]ownWrite[T]
	}
}

type ownWrite[T client.Object] struct {
	object T
	at     time.Time
}

// NewOwnWrites are of one kind. A cache that is behind a write for longer than a resync is right nevertheless, if it does
// not fail: the API server was restored from a backup, and the write is lost.
func NewOwnWrites[T client.Object](
	kind schema.GroupVersionKind, clock clock.PassiveClock, resync time.Duration, failingSince target.FailingSinceFunc,
) *OwnWrites[T] {
	believed := resync * 9 / 10 // no resync comes earlier, so the next one reads the cache again
	o := &OwnWrites[T]{kind: kind, clock: clock, believed: believed, failingSince: failingSince}
	o.locked.byName = map[types.NamespacedName]ownWrite[T]{}
	return o
}

// Latest is an object as the cache has it or, where that is behind, as this process wrote it. The inside of it is shared,
// as that of the cache is.
func (o *OwnWrites[T]) Latest(cached T) T {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := client.ObjectKeyFromObject(cached)
	own, found := o.locked.byName[name]
	switch {
	case !found:
		return cached
	case own.object.GetUID() != cached.GetUID() || !older(cached, own.object):
		delete(o.locked.byName, name)
		return cached
	case !o.holds(own):
		return cached // for now: the sweep may not have noticed yet that the cache fails
	default:
		return own.object
	}
}

func older(a, b client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(a.GetResourceVersion(), b.GetResourceVersion())
	return err == nil && order < 0
}

// holds is called with the lock held.
func (o *OwnWrites[T]) holds(own ownWrite[T]) bool {
	if o.clock.Since(own.at) < o.believed {
		return true
	}
	return !o.failingSince(o.kind, own.object.GetNamespace()).IsZero()
}

// Keep takes an object as the API server answered to a write of it, or to a live read that came after one.
func (o *OwnWrites[T]) Keep(object T) {
	object.SetManagedFields(nil)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.locked.byName[client.ObjectKeyFromObject(object)] = ownWrite[T]{object, o.clock.Now()}
}

// ReadLive reads an object past the cache, and keeps it. An API server that does not answer must not keep a worker for
// longer than a write may.
func (o *OwnWrites[T]) ReadLive(ctx context.Context, live client.Reader, name types.NamespacedName, object T) error {
	ctx, cancel := context.WithTimeout(ctx, MaxObservationAge)
	defer cancel()
	if err := live.Get(ctx, name, object); err != nil {
		return err
	}
	o.Keep(object)
	return nil
}

// Wrote reports whether an object is as this process wrote it last.
func (o *OwnWrites[T]) Wrote(object T) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	own, found := o.locked.byName[client.ObjectKeyFromObject(object)]
	return found && own.object.GetResourceVersion() == object.GetResourceVersion()
}

// Refused is called after a conflict. If the object that the write was based on is one that this process wrote, Refused forgets
// that and returns true.
func (o *OwnWrites[T]) Refused(base T) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := client.ObjectKeyFromObject(base)
	own, found := o.locked.byName[name]
	if !found || own.object.GetResourceVersion() != base.GetResourceVersion() {
		return false
	}
	delete(o.locked.byName, name)
	return true
}

// Forget is called for an object that no longer exists.
func (o *OwnWrites[T]) Forget(name types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.locked.byName, name)
}
