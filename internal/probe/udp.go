package probe

import (
	"context"
	"net"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// udp sends one datagram. An ICMP refusal fails. An answer passes at once, and so does silence at the
// deadline: UDP has no word for "accepted".
func (p *Probes) udp(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	spec := check.Spec.UDP
	address := string(spec.Address)
	a := newAttempt(check, "send udp "+address)
	conn, err := p.dialer.dial(ctx, a, "udp", address)
	if err != nil {
		return a.failed(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	a.enter(sending)
	if _, err := conn.Write([]byte(spec.Payload)); err != nil {
		return a.failed(contextOr(ctx, err))
	}
	a.enter(awaiting)
	return heard(ctx, a, conn)
}

// heard waits for an answer, whose content is of no interest.
func heard(ctx context.Context, a *attempt, conn net.Conn) Result {
	_, err := conn.Read(make([]byte, 1))
	switch {
	case err == nil:
		return passed(a.says("answered"))
	case ctx.Err() == context.DeadlineExceeded:
		return passed(a.says("no refusal within " + brief(a.limit)))
	default:
		return a.failed(contextOr(ctx, err))
	}
}
