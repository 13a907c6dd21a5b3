package probe_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// onLoopback are options whose guard lets the listeners of these tests be reached.
func onLoopback(t *testing.T) probe.Options {
	t.Helper()
	return probe.Options{Guard: guard(t, "127.0.0.0/8,::1/128", ""), Methods: everyMethod}
}

// everyMethod that a HealthCheck may have.
var everyMethod = []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}

func guard(tb testing.TB, allow, deny string) *probe.Guard {
	tb.Helper()
	return probe.NewGuard(prefixes(tb, allow), prefixes(tb, deny))
}

func prefixes(tb testing.TB, list string) []netip.Prefix {
	tb.Helper()
	parsed, err := probe.ParsePrefixes(list)
	if err != nil {
		tb.Fatal(err)
	}
	return parsed
}

// checkOf is a check in namespace shop with this spec, and a timeout of 5s to be named in messages.
func checkOf(spec v1alpha1.HealthCheckSpec) *v1alpha1.HealthCheck {
	return &v1alpha1.HealthCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "0c5d8a52-3a44-4d5e-8f0e-6c1d5be0a001",
			Generation: 1},
		Spec: spec,
	}
}

func httpCheck(url string, options ...func(*v1alpha1.HTTPProbe)) *v1alpha1.HealthCheck {
	spec := &v1alpha1.HTTPProbe{URL: url}
	for _, option := range options {
		option(spec)
	}
	return checkOf(v1alpha1.HealthCheckSpec{HTTP: spec})
}

func tcpCheck(address string) *v1alpha1.HealthCheck {
	return checkOf(v1alpha1.HealthCheckSpec{TCP: &v1alpha1.TCPProbe{Address: v1alpha1.Address(address)}})
}

// probed is the result of one probe that may take ten seconds, longer than any of these tests wants.
func probed(t *testing.T, options probe.Options, check *v1alpha1.HealthCheck) probe.Result {
	t.Helper()
	return probedWithin(t, 10*time.Second, options, check)
}

func probedWithin(t *testing.T, limit time.Duration, options probe.Options, check *v1alpha1.HealthCheck) probe.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return probe.New(options).Probe(ctx, check)
}

func probedWith(t *testing.T, prober probe.Prober, check *v1alpha1.HealthCheck) probe.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), brokenWithin)
	defer cancel()
	return prober.Probe(ctx, check)
}

// brokenWithin is a probe whose deadline passes.
const brokenWithin = 200 * time.Millisecond

func expectResult(t *testing.T, got probe.Result, outcome health.Outcome, reason, message string) {
	t.Helper()
	want := probe.Result{Outcome: outcome, Reason: reason, Message: message}
	if strings.HasPrefix(message, "Job of CronJob ") {
		want.Ended = got.Ended // see TestTheResultOfAJobSaysWhenThatEnded
	}
	if got != want {
		t.Errorf("the result is\n %v %s %q, want\n %v %s %q", got.Outcome, got.Reason, got.Message, outcome, reason, message)
	}
}

func expectFailure(t *testing.T, got probe.Result, message string) {
	t.Helper()
	expectResult(t, got, health.Failed, v1alpha1.ReasonProbeFailed, message)
}

func expectPass(t *testing.T, got probe.Result, message string) {
	t.Helper()
	expectResult(t, got, health.Passed, v1alpha1.ReasonProbeSucceeded, message)
}

// listening serves each connection with the function until the test ends, and is its address.
func listening(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// hang reads until the other side closes, and says nothing.
func hang(conn net.Conn) {
	buffer := make([]byte, 1024)
	for {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}

// reset ends a connection with RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// names is a resolver that answers from a table; a name which has several lists gives them in turn.
type names map[string][][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	answers := n[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: "10.0.0.10:53", IsNotFound: true}
	}
	if len(answers) > 1 {
		n[host] = answers[1:]
	}
	return answers[0], nil
}

func addrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestTypeOfNamesTheSource(t *testing.T) {
	for want, spec := range map[string]v1alpha1.HealthCheckSpec{
		"http":      {HTTP: &v1alpha1.HTTPProbe{}},
		"tcp":       {TCP: &v1alpha1.TCPProbe{}},
		"grpc":      {GRPC: &v1alpha1.GRPCProbe{}},
		"udp":       {UDP: &v1alpha1.UDPProbe{}},
		"dns":       {DNS: &v1alpha1.DNSProbe{}},
		"heartbeat": {Heartbeat: &v1alpha1.HeartbeatProbe{}},
		"job":       {Job: &v1alpha1.JobProbe{}},
		"":          {},
	} {
		if got := probe.TypeOf(spec); got != want {
			t.Errorf("TypeOf is %q, want %q", got, want)
		}
	}
}

func TestACheckWithoutASourceFailsAndSaysWhatToSet(t *testing.T) {
	expectFailure(t, probed(t, probe.Options{}, checkOf(v1alpha1.HealthCheckSpec{})),
		"nothing to probe: set exactly one of http, tcp, grpc, udp, dns, heartbeat or job")
}
