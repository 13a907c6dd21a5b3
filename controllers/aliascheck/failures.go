package aliascheck

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// failures remembers since when the reads of each alias have failed. The zero value is ready to use.
type failures struct {
	mu     sync.Mutex
	locked struct { // guarded by mu
		first map[types.NamespacedName]failure
	}
}

// failure is of one spec of one alias: after an edit or a recreation nothing has failed yet.
type failure struct {
	uid        types.UID
	generation int64
	at         time.Time
}

// since is when the reads of an alias began to fail: now, if this is the first failure.
func (f *failures) since(alias client.Object, now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := client.ObjectKeyFromObject(alias)
	first, known := f.locked.first[name]
	if !known || first.uid != alias.GetUID() || first.generation != alias.GetGeneration() {
		first = failure{uid: alias.GetUID(), generation: alias.GetGeneration(), at: now}
		if f.locked.first == nil {
			f.locked.first = map[types.NamespacedName]failure{}
		}
		f.locked.first[name] = first
	}
	return first.at
}

// ended forgets an alias: its target was read, or it was deleted.
func (f *failures) ended(alias types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.locked.first, alias)
}
