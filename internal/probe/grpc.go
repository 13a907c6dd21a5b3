package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxMessage bounds what a gRPC server may answer; an answer to Health/Check has two bytes.
const maxMessage = 64 << 10

// grpc asks grpc.health.v1.Health/Check.
func (p *Probes) grpc(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	spec := check.Spec.GRPC
	a := newAttempt(check, grpcSubject(spec))
	if _, _, err := splitAddress(string(spec.Address)); err != nil {
		return a.failed(err)
	}
	defer p.certificates(check, a)
	call := &grpcCall{attempt: a, dialer: p.dialer, authority: authorityOf(spec)}
	references := p.referencesOf(check)
	creds, err := call.credentials(ctx, spec, references)
	if err != nil {
		return a.failed(err)
	}
	headers, err := metadataOf(ctx, spec.Headers, references)
	if err != nil {
		return a.failed(err)
	}
	client, err := grpc.NewClient("passthrough:///"+string(spec.Address), call.options(ctx, creds)...)
	if err != nil {
		return a.failed(plainError("the address must be a host and a port, such as api.shop:9000"))
	}
	defer client.Close()
	defer a.hangUp() // before the library closes: it would wait five seconds for a server that does not read
	return p.expiring(a, spec.TLS, call.check(metadata.NewOutgoingContext(ctx, headers), client, spec.Service))
}

// metadataOf are the headers of a call; HTTP/2 has their names in lower case.
func metadataOf(
	ctx context.Context, headers []v1alpha1.HTTPHeader, references referenceReader,
) (metadata.MD, error) {
	all := metadata.MD{}
	for _, header := range headers {
		value, err := headerValue(ctx, header, references)
		if err != nil {
			return nil, err
		}
		if err := validHeader(header.Name, value); err != nil {
			return nil, err
		}
		all.Append(header.Name, value)
	}
	return all, nil
}

// authorityOf a spec is the name of the server where there is no other; empty is the address.
func authorityOf(spec *v1alpha1.GRPCProbe) string {
	if spec.Authority == "" && spec.TLS != nil {
		return spec.TLS.ServerName
	}
	return spec.Authority
}

func grpcSubject(spec *v1alpha1.GRPCProbe) string {
	if spec.Service == "" {
		return "grpc " + string(spec.Address)
	}
	return fmt.Sprintf("grpc %s, service %s", spec.Address, spec.Service)
}

// grpcCall is one call. The library tells of a connection that was not made by a text only, so what went
// wrong is kept here as it happens.
type grpcCall struct {
	attempt   *attempt
	dialer    dialer
	authority string

	// locked is written by the library's goroutines; hold mu.
	mu     sync.Mutex
	locked struct {
		unconnected error
		// dialled is whether there was a connection, or an attempt at one.
		dialled, redialled bool
	}
}

func (c *grpcCall) options(ctx context.Context, creds credentials.TransportCredentials) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(_ context.Context, address string) (net.Conn, error) { return c.dial(ctx, address) }),
		// The probe's deadline is the only one; the library would hang up after 20 seconds, and must not at the same time.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: 2 * c.attempt.limit}),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithUserAgent(userAgent),
		grpc.WithAuthority(c.authority),
		grpc.WithMaxHeaderListSize(maxResponseHeader),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
	}
}

func (c *grpcCall) check(ctx context.Context, client *grpc.ClientConn, service string) Result {
	request := &grpc_health_v1.HealthCheckRequest{Service: service}
	var server peer.Peer
	response, err := grpc_health_v1.NewHealthClient(client).Check(ctx, request, grpc.Peer(&server))
	switch {
	case err == nil:
		return served(c.attempt, response.GetStatus())
	case ctx.Err() != nil:
		return c.attempt.failed(ctx.Err())
	case server.Addr == nil:
		return c.attempt.failed(c.notConnected())
	default:
		return failed(c.attempt.says(refusedCall(err, service)))
	}
}

func served(a *attempt, s grpc_health_v1.HealthCheckResponse_ServingStatus) Result {
	switch s {
	case grpc_health_v1.HealthCheckResponse_SERVING:
		return passed(a.says("SERVING"))
	case grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN:
		return failed(a.says("SERVICE_UNKNOWN: the server does not know this service"))
	default:
		return failed(a.says(s.String()))
	}
}

// httpStatus is what the library says of an answer that is of HTTP/2 and not of gRPC.
var httpStatus = regexp.MustCompile(`^unexpected HTTP status code received from server: ([1-9][0-9][0-9]) `)

// refusedCall tells the code of a call that failed; the text that comes with it is the server's. An answer that is not of
// gRPC has a code too, of the library's choice: a gateway's 404 would be UNIMPLEMENTED.
func refusedCall(err error, service string) string {
	c := status.Code(err)
	name := code.Code(c).String()
	if found := httpStatus.FindStringSubmatch(status.Convert(err).Message()); found != nil {
		number, _ := strconv.Atoi(found[1])
		return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", number, http.StatusText(number))) +
			", and no gRPC: it was answered by a gateway, a proxy or a web server"
	}
	switch {
	case c == codes.NotFound && service != "":
		return name + ": the server does not know this service"
	case c == codes.Unimplemented:
		return name + ": the server does not implement grpc.health.v1.Health"
	case c == codes.Unavailable:
		return unavailable
	default:
		return name
	}
}

// unavailable is said of a connection that ends without an answer, early or late: which of the two the library tells
// is a race.
const unavailable = "UNAVAILABLE: the server refused the call, closed the connection, or does not speak HTTP/2"

// dial connects once. The library would do so again and again where the server ends each connection; a probe is one.
func (c *grpcCall) dial(ctx context.Context, address string) (net.Conn, error) {
	if !c.dialsFirst() {
		return nil, plainError(unavailable)
	}
	conn, err := c.dialer.dial(ctx, c.attempt, "tcp", address)
	if err != nil {
		c.unconnected(err)
		return nil, err
	}
	c.attempt.enter(awaiting)
	return conn, nil
}

func (c *grpcCall) dialsFirst() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locked.redialled = c.locked.dialled
	c.locked.dialled = true
	return !c.locked.redialled
}

func (c *grpcCall) unconnected(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked.unconnected == nil {
		c.locked.unconnected = err
	}
}

func (c *grpcCall) notConnected() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.locked.unconnected != nil:
		return c.locked.unconnected
	case c.attempt.certificateAsked.Load() && !c.locked.redialled:
		return plainError(clientRefused)
	default:
		return plainError(unavailable)
	}
}

func (c *grpcCall) credentials(
	ctx context.Context, spec *v1alpha1.GRPCProbe, references referenceReader,
) (credentials.TransportCredentials, error) {
	if spec.TLS == nil {
		return insecure.NewCredentials(), nil
	}
	config, err := tlsConfig(ctx, c.attempt, spec.TLS, references)
	if err != nil {
		return nil, err
	}
	config.VerifyConnection = func(state tls.ConnectionState) error {
		c.attempt.sawChain(state)
		return speaksHTTP2(state)
	}
	config.ServerName = "" // the library would hold it to be the authority
	return watchedHandshake{
		TransportCredentials: credentials.NewTLS(config), call: c,
		verified: cmp.Or(spec.TLS.ServerName, string(spec.Address)),
	}, nil
}

// noHTTP2 is said of a server that agrees to no protocol, or to another.
const noHTTP2 = "the server does not offer HTTP/2 in the TLS handshake (ALPN h2), and gRPC needs it"

// speaksHTTP2 is asked at the end of a handshake.
func speaksHTTP2(state tls.ConnectionState) error {
	if state.NegotiatedProtocol != "h2" {
		return plainError(noHTTP2)
	}
	return nil
}

// watchedHandshake notes that a handshake is made, and why it failed.
type watchedHandshake struct {
	credentials.TransportCredentials
	call *grpcCall
	// verified is whose host the certificate has to be for: never the authority, as in HTTP it is not the header Host.
	verified string
}

func (w watchedHandshake) ClientHandshake(
	ctx context.Context, _ string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	w.call.attempt.enter(handshaking)
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, w.verified, raw)
	if err != nil {
		w.call.unconnected(err)
		return nil, nil, err
	}
	w.call.attempt.enter(awaiting)
	return conn, info, nil
}

func (w watchedHandshake) Clone() credentials.TransportCredentials {
	clone := w
	clone.TransportCredentials = w.TransportCredentials.Clone()
	return clone
}
