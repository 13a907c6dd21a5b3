package jobs

import (
	"context"
	"sync"
)

// turns lets one reader at a time into a namespace. What it reads is chosen by whoever may write there, and may be
// megabytes each; so what all checks of one namespace have in memory at once is what one of them has.
type turns struct {
	mu sync.Mutex
	// taken has the namespaces that somebody reads in, or waits for. It is guarded by mu.
	taken map[string]*turn
}

type turn struct {
	token chan struct{}
	users int
}

func newTurns() *turns { return &turns{taken: map[string]*turn{}} }

// take waits for the turn, until the context is done. The caller calls done when it has read.
func (t *turns) take(ctx context.Context, namespace string) (done func(), err error) {
	turn := t.enter(namespace)
	select {
	case turn.token <- struct{}{}:
		return func() {
			<-turn.token
			t.leave(namespace)
		}, nil
	case <-ctx.Done():
		t.leave(namespace)
		return nil, ctx.Err()
	}
}

func (t *turns) enter(namespace string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken[namespace] == nil {
		t.taken[namespace] = &turn{token: make(chan struct{}, 1)}
	}
	t.taken[namespace].users++
	return t.taken[namespace]
}

func (t *turns) leave(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken[namespace].users--
	if t.taken[namespace].users == 0 {
		delete(t.taken, namespace)
	}
}
