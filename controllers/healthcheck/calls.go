package healthcheck

import (
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/share"
)

// errBusy says that as many calls of the API server are running as there may be. The check is woken when it may call.
var errBusy = errors.New("too many calls of the API server are running")

// calls are those of the API server that run at once. Namespaces share them, and nobody waits in a worker, so that workers are
// left which start probes.
type calls struct {
	wake func(types.NamespacedName)

	mu sync.Mutex
	// slots is guarded by mu.
	slots *share.Slots
}

func newCalls(most int, wake func(types.NamespacedName)) *calls {
	return &calls{wake: wake, slots: share.NewSlots(most)}
}

// do runs a call of the API server, or refuses to. An urgent one runs beside the others.
func (c *calls) do(check types.NamespacedName, urgent bool, call func() error) error {
	if urgent {
		return call()
	}
	if !c.take(check) {
		return errBusy
	}
	defer c.giveBack(check)
	return call()
}

func (c *calls) take(check types.NamespacedName) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots.Take(check)
}

func (c *calls) giveBack(check types.NamespacedName) {
	c.mu.Lock()
	next := c.slots.GiveBack(check.Namespace)
	c.mu.Unlock()
	c.wakeAll(next)
}

// leave is for a check that has nothing to call for, or is gone.
func (c *calls) leave(check types.NamespacedName) {
	c.mu.Lock()
	next := c.slots.Leave(check)
	c.mu.Unlock()
	c.wakeAll(next)
}

func (c *calls) wakeAll(checks []types.NamespacedName) {
	for _, check := range checks {
		c.wake(check)
	}
}
