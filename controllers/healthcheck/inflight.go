package healthcheck

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// errSuperseded ends a probe whose check was edited, put into maintenance or deleted: its result would be
// refused, and the new spec need not wait for the old one's timeout.
var errSuperseded = errors.New("the check has changed")

// supersedeGrace is how long an obsolete probe may take to end by itself, where a new one follows it. A server
// may go on with a request that its client has given up; most answer within this, and so see no two at once.
const supersedeGrace = time.Second

// inflight holds the probes that are running, so that an edit can end them.
type inflight struct {
	mu sync.Mutex
	// byCheck is guarded by mu.
	byCheck map[types.NamespacedName]running
}

type running struct {
	identity probeIdentity
	cancel   context.CancelCauseFunc
}

// probeIdentity is what a probe was started for.
type probeIdentity struct {
	uid         types.UID
	generation  int64
	maintenance bool
}

func identityOf(check *v1alpha1.HealthCheck) probeIdentity {
	_, maintenance := health.MaintenanceOf(check)
	return probeIdentity{uid: check.UID, generation: check.Generation, maintenance: maintenance}
}

func newInflight() *inflight { return &inflight{byCheck: map[types.NamespacedName]running{}} }

// begin returns the context of a probe, and what to call when it has ended.
func (f *inflight) begin(ctx context.Context, check *v1alpha1.HealthCheck) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	key := types.NamespacedName{Namespace: check.Namespace, Name: check.Name}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byCheck[key] = running{identity: identityOf(check), cancel: cancel}
	return ctx, func() {
		cancel(nil)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.byCheck, key)
	}
}

// supersede ends the probe of a check that is not what the probe was started for any more.
func (f *inflight) supersede(check *v1alpha1.HealthCheck, deleted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	probe, found := f.byCheck[types.NamespacedName{Namespace: check.Namespace, Name: check.Name}]
	switch {
	case !found || !deleted && probe.identity == identityOf(check):
	case deleted || exempt(check):
		probe.cancel(errSuperseded)
	default:
		time.AfterFunc(supersedeGrace, func() { probe.cancel(errSuperseded) })
	}
}
