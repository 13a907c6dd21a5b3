package probe

import (
	"context"
	"encoding/base64"
	"net"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// udp sends one datagram. An ICMP refusal fails, unless another address of the name does not refuse. An answer passes at
// once, and so does silence at the deadline, unless a reply is expected: UDP has no word for "accepted".
func (p *Probes) udp(ctx context.Context, check *v1alpha1.HealthCheck) (result Result) {
	spec := check.Spec.UDP
	address := string(spec.Address)
	a := newAttempt(check, "send udp "+address)
	payload, err := payloadOf(spec)
	if err != nil {
		return a.failed(err)
	}
	err = p.dialer.each(ctx, a, "udp", address, func(conn net.Conn) (err error) {
		defer conn.Close()
		result, err = asked(ctx, a, conn, payload, spec.ExpectReply)
		return err
	})
	if err != nil {
		return a.failed(err)
	}
	return result
}

// payloadOf are the bytes of the datagram.
func payloadOf(spec *v1alpha1.UDPProbe) ([]byte, error) {
	if spec.PayloadBase64 == "" {
		return []byte(spec.Payload), nil
	}
	payload, err := base64.StdEncoding.DecodeString(spec.PayloadBase64)
	if err != nil {
		return nil, plainError("payloadBase64 is not base64 with its padding")
	}
	return payload, nil
}

func asked(ctx context.Context, a *attempt, conn net.Conn, payload []byte, expectReply bool) (Result, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	a.enter(sending)
	if _, err := conn.Write(payload); err != nil {
		return Result{}, contextOr(ctx, err)
	}
	a.enter(awaiting)
	return heard(ctx, a, conn, expectReply)
}

// heard waits for an answer, whose content is of no interest.
func heard(ctx context.Context, a *attempt, conn net.Conn, expectReply bool) (Result, error) {
	_, err := conn.Read(make([]byte, 1))
	switch {
	case err == nil:
		return passed(a.says("answered")), nil
	case ctx.Err() == context.DeadlineExceeded && expectReply:
		return failed(a.says("no reply within " + brief(a.limit))), nil
	case ctx.Err() == context.DeadlineExceeded:
		return passed(a.says("no refusal within " + brief(a.limit))), nil
	default:
		return Result{}, contextOr(ctx, err)
	}
}
