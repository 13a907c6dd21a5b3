package probe

import (
	"context"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// defaultTTL is that of the CRD.
const defaultTTL = 30 * time.Second

// Leases reads one Lease, live. Errors are those of the API.
type Leases interface {
	Lease(ctx context.Context, namespace, name string) (*coordinationv1.Lease, error)
}

// heartbeat passes while a Lease is renewed, unless its holder says otherwise (Consul's TTL checks).
func (p *Probes) heartbeat(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	spec := check.Spec.Heartbeat
	a := newAttempt(check, "heartbeat "+spec.LeaseName)
	lease, err := p.lease(ctx, check.Namespace, spec.LeaseName)
	if err != nil {
		return a.failed(err)
	}
	now := p.clock.Now()
	seen := p.beats.saw(check.Namespace+"/"+spec.LeaseName, lease, now)
	if err := stale(lease, seen, ttlOf(spec), now); err != nil {
		return a.failed(err)
	}
	return reported(a, lease)
}

func (p *Probes) lease(ctx context.Context, namespace, name string) (*coordinationv1.Lease, error) {
	if p.leases == nil {
		return nil, plainError("this manager reads no Leases")
	}
	lease, err := p.leases.Lease(ctx, namespace, name)
	switch {
	case err == nil:
		return lease, nil
	case apierrors.IsNotFound(err):
		return nil, plainError("the Lease does not exist")
	case apierrors.IsForbidden(err):
		return nil, plainError("the manager may not read Leases in this namespace")
	default:
		return nil, &ReadError{"the Lease could not be read", err}
	}
}

func ttlOf(spec *v1alpha1.HeartbeatProbe) time.Duration {
	if spec.TTL == nil {
		return defaultTTL
	}
	return spec.TTL.Duration
}

// stale is the error of a Lease that was not renewed in time.
func stale(lease *coordinationv1.Lease, seen beat, ttl time.Duration, now time.Time) error {
	if lease.Spec.RenewTime == nil {
		return plainError("the Lease was never renewed: set spec.renewTime")
	}
	if now.Sub(seen.renewed(ttl)) > ttl {
		return plainError(fmt.Sprintf("not renewed for more than %s", brief(ttl)))
	}
	return nil
}

// reported is what the holder says in the annotations of a fresh Lease; saying nothing is Passing.
func reported(a *attempt, lease *coordinationv1.Lease) Result {
	text := lease.Annotations[v1alpha1.AnnotationState]
	said := "renewed"
	if message := strings.TrimSpace(lease.Annotations[v1alpha1.AnnotationMessage]); message != "" {
		said = message
	}
	switch v1alpha1.State(text) {
	case "", v1alpha1.StatePassing:
		return passed(a.says(said))
	case v1alpha1.StateWarning:
		return warned(a.says(said))
	case v1alpha1.StateCritical:
		return failed(a.says(said))
	default:
		return failed(a.says(fmt.Sprintf("annotation %s is %.32q, "+
			"which is no state that a holder may report: write Passing, Warning or Critical",
			v1alpha1.AnnotationState, text)))
	}
}
