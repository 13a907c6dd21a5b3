package healthcheck

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/aliascheck/aliascheck/internal/ledger"
)

// ledgers are those of all checks, by name.
type ledgers struct {
	options *ledger.Options

	mu sync.Mutex
	// byName is guarded by mu.
	byName map[types.NamespacedName]*entry
}

func newLedgers(options *ledger.Options) *ledgers {
	return &ledgers{options: options, byName: map[types.NamespacedName]*entry{}}
}

func (l *ledgers) entry(key types.NamespacedName) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byName[key]
	if e == nil {
		e = &entry{key: key, ledger: ledger.New(l.options)}
		l.byName[key] = e
	}
	return e
}

func (l *ledgers) forget(key types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byName, key)
}

// entry has the ledger of one check. The reconcile of its key and the running probe share it.
type entry struct {
	key types.NamespacedName

	mu sync.Mutex
	// ledger is guarded by mu.
	ledger *ledger.Ledger
	// probedAt is when the last probe of this process ended; guarded by mu.
	probedAt time.Time
}

// do tells the ledger something, and returns what is to be done next.
func (e *entry) do(tell func(*ledger.Ledger), clock clock.PassiveClock) ledger.Step {
	e.mu.Lock()
	defer e.mu.Unlock()
	tell(e.ledger)
	return e.ledger.Next(clock.Now())
}

func (e *entry) assignment() ledger.Assignment {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ledger.Assignment()
}

func (e *entry) got(id ledger.Identity, result ledger.Result, now time.Time) (counts bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ledger.Got(id, result, now)
}

func (e *entry) lost(id ledger.Identity) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ledger.Lost(id)
}

func (e *entry) retry() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ledger.Retry()
}

func (e *entry) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ledger.String()
}
