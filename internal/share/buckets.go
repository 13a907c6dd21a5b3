package share

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pruneEvery is how often full buckets are dropped: they are as good as new ones.
const pruneEvery = time.Minute

// Buckets are the tokens of namespaces.
type Buckets struct {
	perSecond float64
	size      int

	mu     sync.Mutex
	locked struct { // guarded by mu
		byNamespace map[string]*rate.Limiter
		pruned      time.Time
	}
}

// NewBuckets have so many tokens each when they are full, and so many more each second.
func NewBuckets(perSecond float64, size int) *Buckets {
	b := &Buckets{perSecond: perSecond, size: size}
	b.locked.byNamespace = map[string]*rate.Limiter{}
	return b
}

// Spend takes tokens, also more than there are: then the bucket is empty until as many have come.
func (b *Buckets) Spend(namespace string, tokens int, now time.Time) (wait time.Duration) {
	reservation := b.limiter(namespace, now).ReserveN(now, min(tokens, b.size))
	return reservation.DelayFrom(now)
}

// Empty reports whether a namespace has spent more than it has.
func (b *Buckets) Empty(namespace string, now time.Time) bool {
	return b.limiter(namespace, now).TokensAt(now) < 0
}

func (b *Buckets) limiter(namespace string, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.locked.pruned) > pruneEvery {
		b.prune(now)
	}
	limiter, known := b.locked.byNamespace[namespace]
	if !known {
		limiter = rate.NewLimiter(rate.Limit(b.perSecond), b.size)
		b.locked.byNamespace[namespace] = limiter
	}
	return limiter
}

// prune is called with the lock held.
func (b *Buckets) prune(now time.Time) {
	b.locked.pruned = now
	for namespace, limiter := range b.locked.byNamespace {
		if limiter.TokensAt(now) >= float64(b.size) {
			delete(b.locked.byNamespace, namespace)
		}
	}
}
