package probe_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	corev1 "k8s.io/api/core/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// A server that switches protocols keeps the connection, of which no read ends by itself.
func TestAServerThatSwitchesProtocolsIsJudgedByThat(t *testing.T) {
	url := "http://" + listening(t, func(conn net.Conn) {
		answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")(conn)
		hang(conn)
	})
	for status, expect := range map[v1alpha1.StatusRange]func(*testing.T, probe.Result, string){
		"200-299": expectFailure, "101": expectPass,
	} {
		results := make(chan probe.Result, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		go func() { results <- probe.New(onLoopback(t)).Probe(ctx, httpCheck(url, expecting(status))) }()
		var result probe.Result
		NewWithT(t).Eventually(results, time.Minute).Should(Receive(&result), "the probe did not end at its deadline")
		expect(t, result, "GET "+url+": 101 Switching Protocols")
	}
}

// hangingUp are servers that end the connection, at every point at which they can.
func hangingUp(t *testing.T) map[string]string {
	t.Helper()
	certificate := newAuthority(t).server(nil)
	certificate.NextProtos = []string{"h2"}
	inTLS := func(serve func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			secure := tls.Server(conn, certificate)
			_ = secure.Handshake()
			serve(secure)
			reset(conn)
		}
	}
	otherProtocol := certificate.Clone()
	otherProtocol.NextProtos = []string{"other"}
	return map[string]string{
		"refuses":               closedPort(t),
		"closes at once":        listening(t, func(net.Conn) {}),
		"resets at once":        listening(t, reset),
		"closes after asking":   listening(t, readRequest),
		"resets after asking":   listening(t, func(conn net.Conn) { readRequest(conn); reset(conn) }),
		"closes in the headers": listening(t, answer("HTTP/1.1 200 OK\r\nX-Half: ")),
		"resets in the headers": listening(t, func(conn net.Conn) {
			answer("HTTP/1.1 200 OK\r\nX-Half: ")(conn)
			reset(conn)
		}),
		"answers garbage": listening(t, answer("\x00\x01\xff\xfe\xfd and more\r\n\r\n")),
		"speaks first": listening(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "220 secret.shop ESMTP\r\n")
			hang(conn)
		}),
		"answers before it is asked": listening(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			readRequest(conn)
		}),
		"ends TLS at once":     listening(t, inTLS(func(net.Conn) {})),
		"ends TLS when asked":  listening(t, inTLS(readRequest)),
		"breaks HTTP/2 in TLS": listening(t, inTLS(func(conn net.Conn) { _, _ = io.WriteString(conn, "no frame of HTTP/2") })),
		"speaks another ALPN":  listening(t, func(conn net.Conn) { _ = tls.Server(conn, otherProtocol).Handshake() }),
	}
}

func TestOneFaultHasOneMessage(t *testing.T) {
	for name, address := range hangingUp(t) {
		for i, check := range ofEveryType(address) {
			if check.Spec.UDP != nil || check.Spec.DNS != nil {
				continue
			}
			t.Run(name+" "+probe.TypeOf(check.Spec)+" "+string(rune('a'+i)), func(t *testing.T) {
				t.Parallel()
				var seen []string
				for range 60 {
					if got := probed(t, onLoopback(t), check).Message; !slices.Contains(seen, got) {
						seen = append(seen, got)
					}
				}
				if len(seen) != 1 {
					t.Errorf("%d messages:\n%s", len(seen), strings.Join(seen, "\n"))
				}
			})
		}
	}
}

// aged is what a Secret holds at each read.
type aged struct{ versions []map[string][]byte }

func (a *aged) Secret(context.Context, string, string) (*corev1.Secret, error) {
	secret := &corev1.Secret{Data: a.versions[0]}
	if len(a.versions) > 1 {
		a.versions = a.versions[1:]
	}
	return secret, nil
}

func TestARotationDuringAProbeDoesNotMixACertificateWithAnotherKey(t *testing.T) {
	ca := newAuthority(t)
	version := func() map[string][]byte {
		certificate, key := ca.issued("prober")
		return map[string][]byte{"tls.crt": certificate, "tls.key": key}
	}
	options := onLoopback(t)
	options.Secrets = &aged{versions: []map[string][]byte{version(), version()}}
	url := servingTLS(t, ca.server(ca))
	expectPass(t, probed(t, options, httpCheck(url, withTLS(v1alpha1.TLSConfig{InsecureSkipVerify: true,
		ClientCertSecretRef: &v1alpha1.SecretReference{Name: "client"}}))), "GET "+url+": 200 OK")
}

func TestGRPCTellsAServerWithoutHTTP2InTLS(t *testing.T) {
	certificate := newAuthority(t).server(nil)
	address := listening(t, func(conn net.Conn) { hang(tls.Server(conn, certificate)) })
	check := grpcCheck(address, "")
	check.Spec.GRPC.TLS = &v1alpha1.TLSConfig{InsecureSkipVerify: true}
	expectFailure(t, probed(t, onLoopback(t), check), "grpc "+address+
		": the server does not offer HTTP/2 in the TLS handshake (ALPN h2), and gRPC needs it")

	check.Spec.GRPC.Address = v1alpha1.Address(servingGRPC(t, shopHealth(),
		grpc.Creds(credentials.NewTLS(newAuthority(t).server(nil)))))
	expectPass(t, probed(t, onLoopback(t), check), "grpc "+string(check.Spec.GRPC.Address)+": SERVING")
}

func TestARedirectShowsNothingButAHost(t *testing.T) {
	for location, shown := range map[string]string{
		"http://user:hidden@127.0.0.2:1/hidden?hidden":       "http://127.0.0.2:1",
		"http://token=hidden;a.shop/":                        "another host",
		"http://" + strings.Repeat("hidden.", 100) + "shop/": "another host",
	} {
		url := "http://" + listening(t, answer("HTTP/1.1 302 Found\r\nLocation: "+location+"\r\nContent-Length: 0\r\n\r\n"))
		got := probed(t, onLoopback(t), httpCheck(url)).Message
		if !strings.HasPrefix(got, "GET "+url+", redirected to "+shown+": ") || strings.Contains(got, "hidden") {
			t.Errorf("a redirect to %s: %s", location, got)
		}
	}
}
