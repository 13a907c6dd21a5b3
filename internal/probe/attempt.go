package probe

import (
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// phase is what a probe is doing, in the words of a message.
type phase string

const (
	resolving   phase = "while resolving the name"
	connecting  phase = "while connecting"
	handshaking phase = "during the TLS handshake"
	sending     phase = "while sending the datagram"
	awaiting    phase = "while waiting for the response"
	reading     phase = "while reading the body"
)

// attempt is one probe as messages tell it.
type attempt struct {
	// limit is the timeout as the spec has it. What is left of the context's deadline would be another text
	// every time.
	limit time.Duration
	// namespace is the check's, in which a host without a dot is a Service.
	namespace string

	// locked is written by the goroutines of net/http and grpc too; hold mu.
	mu     sync.Mutex
	locked struct {
		subject string
		phase   phase
		// addresses is how many the name has that is connected to, and so share the limit.
		addresses int
		// reached is the one of them that was connected to.
		reached netip.Addr
		// unreached are the errors of those of them that were tried.
		unreached []error
		// conns are all connections of the attempt, and over is whether it has ended.
		conns []net.Conn
		over  bool
		// firstToEnd is the certificate that ends first, of all servers that were asked.
		firstToEnd *x509.Certificate
		// secure is whether TLS is spoken on the connection, and opening is what a server without it said first.
		secure  bool
		opening []byte
	}

	// certificateAsked is whether the server asked for a client's certificate.
	certificateAsked atomic.Bool
	// originLeft is whether a redirect led to another origin.
	originLeft atomic.Bool
	// http2 is whether the server agreed to speak HTTP/2.
	http2 atomic.Bool
}

// newAttempt begins to try the subject, such as "GET http://web.shop:8080/healthz".
func newAttempt(check *v1alpha1.HealthCheck, subject string) *attempt {
	a := &attempt{limit: check.Spec.ProbeTimeout(), namespace: check.Namespace}
	a.locked.subject = subject
	return a
}

// owns takes a connection that ends with the attempt at the latest.
func (a *attempt) owns(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.locked.over {
		_ = conn.Close()
		return
	}
	a.locked.conns = append(a.locked.conns, conn)
}

// hangUp closes every connection of the attempt. The libraries leave one open that they cannot write to: a server which
// accepts an HTTP/2 connection and never reads would keep it, with its goroutines and buffers, until the server chooses
// to end it (golang/go#57478).
func (a *attempt) hangUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.over = true
	for _, conn := range a.locked.conns {
		_ = conn.Close()
	}
}

func (a *attempt) enter(p phase) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.phase = p
	a.locked.secure = a.locked.secure || p == handshaking
}

// connectsTo begins to connect to a name with so many addresses.
func (a *attempt) connectsTo(addresses int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.phase = connecting
	a.locked.addresses, a.locked.unreached, a.locked.reached = addresses, nil, netip.Addr{}
	a.locked.secure, a.locked.opening = false, nil
}

// connected keeps which address of the name is asked.
func (a *attempt) connected(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.reached = addr
}

// notReached keeps why an address was not: net/http and grpc give up at the deadline and do not wait for the
// dialer, and which address came first must not change the message.
func (a *attempt) notReached(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.unreached, a.locked.reached = append(a.locked.unreached, err), netip.Addr{}
}

func (a *attempt) unreached() []error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.locked.unreached)
}

func (a *attempt) addresses() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.addresses
}

// retitled gives the subject another name, such as where a redirect led to; the last one counts.
func (a *attempt) retitled(subject string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.subject = subject
}

func (a *attempt) now() (subject string, p phase) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.subject, a.locked.phase
}

// names reports whether a text is part of the subject.
func (a *attempt) names(text string) bool {
	subject, _ := a.now()
	return strings.Contains(subject, text)
}

// says is a message on the attempt: its subject, what came back and, where the name has several addresses, from which.
func (a *attempt) says(what string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	text := a.locked.subject + ": " + what
	if a.locked.addresses > 1 && a.locked.reached.IsValid() {
		text += " (at " + a.locked.reached.String() + ")"
	}
	return text
}
