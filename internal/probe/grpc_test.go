package probe_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func grpcCheck(address, service string) *v1alpha1.HealthCheck {
	spec := &v1alpha1.GRPCProbe{Address: v1alpha1.Address(address), Service: service}
	return checkOf(v1alpha1.HealthCheckSpec{GRPC: spec})
}

// servingGRPC is a gRPC server with this health service, or none.
func servingGRPC(t *testing.T, service grpc_health_v1.HealthServer, options ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	if service != nil {
		grpc_health_v1.RegisterHealthServer(server, service)
	}
	t.Cleanup(server.Stop)
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String()
}

// shopHealth knows two services, of which one does not serve.
func shopHealth() *grpchealth.Server {
	server := grpchealth.NewServer()
	server.SetServingStatus("shop.Cart", grpc_health_v1.HealthCheckResponse_SERVING)
	server.SetServingStatus("shop.Pay", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	server.SetServingStatus("shop.Odd", grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN)
	server.SetServingStatus("shop.New", grpc_health_v1.HealthCheckResponse_ServingStatus(77))
	return server
}

func TestGRPCTellsEachAnswerApart(t *testing.T) {
	address := servingGRPC(t, shopHealth())
	for service, row := range map[string]struct {
		outcome health.Outcome
		what    string
	}{
		"":            {health.Passed, ": SERVING"},
		"shop.Cart":   {health.Passed, ", service shop.Cart: SERVING"},
		"shop.Pay":    {health.Failed, ", service shop.Pay: NOT_SERVING"},
		"shop.Odd":    {health.Failed, ", service shop.Odd: SERVICE_UNKNOWN: the server does not know this service"},
		"shop.New":    {health.Failed, ", service shop.New: 77"},
		"shop.Absent": {health.Failed, ", service shop.Absent: NOT_FOUND: the server does not know this service"},
	} {
		got := probed(t, onLoopback(t), grpcCheck(address, service))
		if got.Outcome != row.outcome || got.Message != "grpc "+address+row.what {
			t.Errorf("%v %q, want %v %q", got.Outcome, got.Message, row.outcome, row.what)
		}
	}
}

func TestGRPCTellsAServerWithoutTheHealthService(t *testing.T) {
	address := servingGRPC(t, nil)
	expectFailure(t, probed(t, onLoopback(t), grpcCheck(address, "")),
		"grpc "+address+": UNIMPLEMENTED: the server does not implement grpc.health.v1.Health")
}

// answeringCode is a health service that fails with a code, and a text that must not be shown.
type answeringCode struct {
	grpc_health_v1.UnimplementedHealthServer
	code codes.Code
}

func (a answeringCode) Check(
	context.Context, *grpc_health_v1.HealthCheckRequest,
) (*grpc_health_v1.HealthCheckResponse, error) {
	return nil, status.Error(a.code, "hidden")
}

func TestGRPCTellsTheCodeAndNotTheTextOfAnError(t *testing.T) {
	for code, what := range map[codes.Code]string{
		codes.PermissionDenied: "PERMISSION_DENIED",
		codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
		codes.NotFound:         "NOT_FOUND",
		codes.Unavailable:      "UNAVAILABLE: the server refused the call, closed the connection, or does not speak HTTP/2",
		codes.Code(99):         "99",
	} {
		address := servingGRPC(t, answeringCode{code: code})
		expectFailure(t, probed(t, onLoopback(t), grpcCheck(address, "")), "grpc "+address+": "+what)
	}
}

func TestGRPCSpeaksTLS(t *testing.T) {
	ca := newAuthority(t)
	address := servingGRPC(t, shopHealth(), grpc.Creds(credentials.NewTLS(ca.server(ca))))
	check := grpcCheck(address, "")
	check.Spec.GRPC.TLS = &v1alpha1.TLSConfig{CASecretRef: caRef, ServerName: "web.shop",
		ClientCertSecretRef: &v1alpha1.SecretReference{Name: "client"}}
	expectPass(t, probed(t, trusting(t, ca), check), "grpc "+address+": SERVING")

	check.Spec.GRPC.TLS.ClientCertSecretRef = nil
	expectFailure(t, probed(t, trusting(t, ca), check),
		"grpc "+address+": the server closed the connection after it asked for a client certificate")
	check.Spec.GRPC.TLS.ServerName = "other.shop"
	expectFailure(t, probed(t, trusting(t, ca), check), "grpc "+address+": the certificate is not valid for other.shop, "+
		"but for web.shop, 127.0.0.1")
	check.Spec.GRPC.TLS = &v1alpha1.TLSConfig{}
	expectFailure(t, probed(t, trusting(t, ca), check),
		"grpc "+address+": "+unknownAuthority)
	check.Spec.GRPC.TLS = &v1alpha1.TLSConfig{CASecretRef: &v1alpha1.SecretKeyReference{Name: "absent", Key: "ca.crt"}}
	expectResult(t, probed(t, trusting(t, ca), check), health.Failed, v1alpha1.ReasonSecretNotFound,
		"grpc "+address+": Secret absent does not exist")
	expectFailure(t, probed(t, trusting(t, ca), grpcCheck(address, "")),
		"grpc "+address+": UNAVAILABLE: the server refused the call, closed the connection, or does not speak HTTP/2")
}

func TestGRPCFailuresNameThePhase(t *testing.T) {
	closed := closedPort(t)
	for name, row := range map[string]struct {
		address string
		tls     *v1alpha1.TLSConfig
		message string
	}{
		"refused":        {closed, nil, "connection refused"},
		"silence":        {listening(t, hang), nil, "timed out after 5s while waiting for the response"},
		"silence in TLS": {listening(t, hang), &v1alpha1.TLSConfig{}, "timed out after 5s during the TLS handshake"},
		"HTTP/1": {listening(t, answer("HTTP/1.1 200 OK\r\n\r\n")), nil,
			"UNAVAILABLE: the server refused the call, closed the connection, or does not speak HTTP/2"},
		"HTTP/1 in TLS": {listening(t, answer("HTTP/1.1 200 OK\r\n\r\n")), &v1alpha1.TLSConfig{},
			"the server does not speak TLS"},
		"no address": {"db.shop", nil, "the address must be a host and a port, such as db.shop:5432 or [fd00::1]:5432"},
		"a close": {listening(t, func(net.Conn) {}), nil,
			"UNAVAILABLE: the server refused the call, closed the connection, or does not speak HTTP/2"},
		"a close, and TLS": {listening(t, readRequest), &v1alpha1.TLSConfig{},
			"the server closed the connection during the TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			check := grpcCheck(row.address, "")
			check.Spec.GRPC.TLS = row.tls
			expectFailure(t, probedWithin(t, brokenWithin, onLoopback(t), check), "grpc "+row.address+": "+row.message)
		})
	}
}

func TestGRPCPassesTheGuard(t *testing.T) {
	expectResult(t, probed(t, onLoopback(t), grpcCheck("[fd00:ec2::254]:80", "")), health.Failed,
		v1alpha1.ReasonAddressDenied,
		"grpc [fd00:ec2::254]:80: fd00:ec2::254 is denied: it is a cloud metadata address, "+
			"which only the manager's --probe-allow-cidrs can allow")
}

func TestGRPCIgnoresTheProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://"+closedPort(t))
	options := onLoopback(t)
	options.Resolver = names{"api.shop": {addrs("127.0.0.1")}}
	_, port := hostAndPort(t, servingGRPC(t, shopHealth()))
	expectPass(t, probed(t, options, grpcCheck("api.shop:"+port, "")), "grpc api.shop:"+port+": SERVING")
}

// seen is a health service that serves whoever comes with the right host and header.
type seen struct {
	grpc_health_v1.UnimplementedHealthServer
	authority, tenant string
}

func (s seen) Check(
	ctx context.Context, _ *grpc_health_v1.HealthCheckRequest,
) (*grpc_health_v1.HealthCheckResponse, error) {
	received, _ := metadata.FromIncomingContext(ctx)
	if !slices.Equal(received[":authority"], []string{s.authority}) || !slices.Equal(received["x-tenant"], []string{s.tenant}) {
		return nil, status.Error(codes.NotFound, "hidden")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func TestGRPCAsksForAnAuthorityWithHeaders(t *testing.T) {
	ca := newAuthority(t)
	service := seen{authority: "cart.shop.example", tenant: "hidden"}
	for name, row := range map[string]struct {
		options []grpc.ServerOption
		tls     *v1alpha1.TLSConfig
	}{
		"plain":                       {nil, nil},
		"TLS":                         {[]grpc.ServerOption{grpc.Creds(credentials.NewTLS(ca.server(nil)))}, &v1alpha1.TLSConfig{CASecretRef: caRef}},
		"TLS with another ServerName": {[]grpc.ServerOption{grpc.Creds(credentials.NewTLS(ca.server(nil)))}, &v1alpha1.TLSConfig{CASecretRef: caRef, ServerName: "web.shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			address := servingGRPC(t, service, row.options...)
			options := trusting(t, ca)
			options.Secrets.(secrets)["tenant"] = map[string][]byte{"name": []byte("hidden\n")}
			check := grpcCheck(address, "")
			check.Spec.GRPC.TLS, check.Spec.GRPC.Authority = row.tls, "cart.shop.example"
			check.Spec.GRPC.Headers = []v1alpha1.HTTPHeader{{Name: "X-Tenant", ValueFrom: &v1alpha1.HeaderSource{
				SecretKeyRef: v1alpha1.SecretKeyReference{Name: "tenant", Key: "name"}}}}
			expectPass(t, probed(t, options, check), "grpc "+address+": SERVING")
			if row.tls != nil && row.tls.ServerName != "" {
				check.Spec.GRPC.Authority = "" // then it is asked for as the server is named
				expectFailure(t, probed(t, options, check), "grpc "+address+": NOT_FOUND")
				check.Spec.GRPC.Authority = "cart.shop.example"
			}
			check.Spec.GRPC.Headers = nil
			expectFailure(t, probed(t, options, check), "grpc "+address+": NOT_FOUND")
		})
	}
}

func TestGRPCTellsAGatewayWithoutARouteAsThat(t *testing.T) {
	for code, what := range map[int]string{404: "HTTP 404 Not Found", 503: "HTTP 503 Service Unavailable", 599: "HTTP 599"} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		server.Config.Protocols = &http.Protocols{}
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
		t.Cleanup(server.Close)
		address := server.Listener.Addr().String()
		expectFailure(t, probed(t, onLoopback(t), grpcCheck(address, "")),
			"grpc "+address+": "+what+", and no gRPC: it was answered by a gateway, a proxy or a web server")
	}
}
