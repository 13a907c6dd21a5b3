package probe

import (
	"context"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// tcp passes when a connection is accepted. Nothing is sent.
func (p *Probes) tcp(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	address := string(check.Spec.TCP.Address)
	a := newAttempt(check, "dial tcp "+address)
	conn, err := p.dialer.dial(ctx, a, "tcp", address)
	if err != nil {
		return a.failed(err)
	}
	_ = conn.Close() // it was accepted, which is all that was asked
	return passed(a.says("connected"))
}
