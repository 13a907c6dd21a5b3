package probe_test

import (
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// unreadingServer completes the handshake of TLS, sends the SETTINGS of HTTP/2 and never reads again, so that a request which
// does not fit the client's send buffer cannot be written. It holds one goroutine and one file for each connection.
type unreadingServer struct {
	address string
	// held are all connections, and ready those whose handshake has ended.
	held, ready atomic.Int64
}

func newUnreadingServer(t *testing.T, protocol string) *unreadingServer {
	t.Helper()
	certificate := newAuthority(t).server(nil).Clone()
	certificate.NextProtos = []string{protocol}
	config := net.ListenConfig{Control: smallBuffers}
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &unreadingServer{address: listener.Addr().String()}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server.held.Add(1)
			go server.ignore(t.Context(), tls.Server(conn, certificate))
		}
	}()
	return server
}

func (d *unreadingServer) ignore(ctx context.Context, conn *tls.Conn) {
	defer conn.Close()
	if conn.HandshakeContext(ctx) == nil {
		d.ready.Add(1)
		_, _ = conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // an empty frame of SETTINGS
		<-ctx.Done()
	}
}

// smallBuffers keep the other side's send buffer small too: it grows with the segments that it may send.
func smallBuffers(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(descriptor uintptr) {
		_ = syscall.SetsockoptInt(int(descriptor), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		_ = syscall.SetsockoptInt(int(descriptor), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
	})
}

// probeAtOnce probes a check so many times at the same time, for as long as a handshake may take on a busy machine.
func probeAtOnce(t *testing.T, prober probe.Prober, check *v1alpha1.HealthCheck, times int) {
	t.Helper()
	var probes sync.WaitGroup
	for range times {
		probes.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			prober.Probe(ctx, check)
		})
	}
	probes.Wait()
}

func TestAServerThatNeverReadsKeepsNothingOfAProbe(t *testing.T) {
	value := strings.Repeat("x", 4096)
	many := func(spec *v1alpha1.HTTPProbe) {
		for range 32 {
			spec.Headers = append(spec.Headers, v1alpha1.HTTPHeader{Name: "X-Probe", Value: &value})
		}
	}
	for _, protocol := range []string{"h2", "http/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			g := NewWithT(t)
			server := newUnreadingServer(t, protocol)
			prober := probe.New(onLoopback(t))
			check := httpCheck("https://"+server.address+"/", withTLS(v1alpha1.TLSConfig{InsecureSkipVerify: true}), many)
			ours := func() int { return runtime.NumGoroutine() - int(server.held.Load()) }
			filesOfOurs := func() (int, error) {
				files, err := openFiles()
				return files - int(server.held.Load()), err
			}
			probeAtOnce(t, prober, check, 1) // what is made once, at first use, is no leak
			goroutines := ours()
			files, err := filesOfOurs()
			g.Expect(err).NotTo(HaveOccurred())

			probeAtOnce(t, prober, check, 20)

			g.Expect(server.ready.Load()).To(BeNumerically(">", 1), "requests that the server did not read")
			g.Eventually(ours, 10*time.Second).Should(BeNumerically("<=", goroutines), "goroutines")
			g.Eventually(filesOfOurs, 10*time.Second).Should(BeNumerically("<=", files), "open files")
		})
	}
}
