package probe

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// tcp passes when a connection is accepted and, with TLS, when the handshake succeeds. Nothing else is sent.
func (p *Probes) tcp(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	spec := check.Spec.TCP
	address := string(spec.Address)
	a := newAttempt(check, "dial tcp "+address)
	defer p.certificates(check, a)
	config, err := tlsConfig(ctx, a, spec.TLS, p.referencesOf(check))
	if err != nil {
		return a.failed(err)
	}
	conn, err := p.dialer.dial(ctx, a, "tcp", address)
	if err != nil {
		return a.failed(err)
	}
	defer conn.Close()
	if spec.TLS == nil { // it was accepted, which is all that was asked
		return passed(a.says("connected"))
	}
	if err := shakeHands(ctx, a, conn, withServerName(config, address)); err != nil {
		return a.failed(err)
	}
	return p.expiring(a, spec.TLS, passed(a.says("connected, with TLS")))
}

// withServerName verifies the host of an address where the spec names no other.
func withServerName(config *tls.Config, address string) *tls.Config {
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address) // the dialer has refused what is no address
	}
	return config
}

// verdictTime is how long a server that asked for a client's certificate may take to refuse it.
const verdictTime = time.Second

// shakeHands ends when both sides are content. In TLS 1.3 the handshake is over for a client before the server has looked
// at its certificate; so a server that asked for one is told that nothing more comes, and either ends the connection, which
// is in order, or has sent an alert before that. One that does neither soon has accepted.
func shakeHands(ctx context.Context, a *attempt, conn net.Conn, config *tls.Config) error {
	a.enter(handshaking)
	client := tls.Client(conn, config)
	if err := client.HandshakeContext(ctx); err != nil {
		return contextOr(ctx, err)
	}
	if !a.certificateAsked.Load() || client.ConnectionState().Version < tls.VersionTLS13 {
		return nil
	}
	a.enter(awaiting)
	_ = client.CloseWrite()
	_ = client.SetReadDeadline(time.Now().Add(verdictTime))
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := client.Read(make([]byte, 1)); err != nil && refusesClient(err) {
		return err
	}
	return nil
}

// refusesClient tells an alert, and the reset that may overtake it, from the end of the connection.
func refusesClient(err error) bool {
	_, alerted := alertOf(err)
	return alerted || isReset(err)
}
