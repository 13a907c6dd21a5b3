package sec

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// A connection that could not be written to stayed open for as long as the server chose, with two goroutines and all
// that was to be written: 20 such checks took 5 MiB a second.
func TestAServerThatNeverReadsKeepsNoConnectionOfTheManagers(t *testing.T) {
	g := NewWithT(t)
	manager := started(t)
	noisy := newNamespace(t, "noisy")
	address, connections := neverReads(t)
	before, err := manager.OpenFiles()
	g.Expect(err).NotTo(HaveOccurred())
	value := strings.Repeat("x", 4096)
	var headers []v1alpha1.HTTPHeader
	for range 32 {
		headers = append(headers, v1alpha1.HTTPHeader{Name: "X-Probe", Value: &value})
	}
	const checks = 10
	for i := range checks {
		create(t, &v1alpha1.HealthCheck{
			ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: fmt.Sprintf("never-reads-%d", i)},
			Spec: v1alpha1.HealthCheckSpec{Interval: every(time.Second), Timeout: every(500 * time.Millisecond),
				HTTP: &v1alpha1.HTTPProbe{URL: "https://" + address, Headers: headers, TLS: &v1alpha1.TLSConfig{InsecureSkipVerify: true}}},
		})
	}
	g.Eventually(connections.Load, patience).Should(BeNumerically(">", 4*checks), "handshakes")
	g.Expect(manager.OpenFiles()).To(BeNumerically("<=", before+2*checks), "open files")
}

// neverReads completes handshakes, counts them and never reads again.
func neverReads(t *testing.T) (address string, handshakes *atomic.Int64) {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, NextProtos: []string{"h2"}}
	listen := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(descriptor uintptr) { // so that the manager's send buffer stays small too
			_ = syscall.SetsockoptInt(int(descriptor), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
			_ = syscall.SetsockoptInt(int(descriptor), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
		})
	}}
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	handshakes = &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				secure := tls.Server(conn, config)
				if secure.HandshakeContext(t.Context()) == nil {
					handshakes.Add(1)
					_, _ = secure.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // an empty frame of SETTINGS
					<-t.Context().Done()
				}
			}()
		}
	}()
	return listener.Addr().String(), handshakes
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}
