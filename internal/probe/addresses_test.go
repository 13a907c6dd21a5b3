package probe_test

import (
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// hangingAt listens at an address of loopback and this port, and answers no SYN: its backlog is full.
func hangingAt(t *testing.T, host, port string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	shortenBacklog(t, listener.(*net.TCPListener))
	for range 20 {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 200*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the backlog does not fill")
}

func shortenBacklog(t *testing.T, listener *net.TCPListener) {
	t.Helper()
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), 0) }); err != nil || listenErr != nil {
		t.Fatal(err, listenErr)
	}
}

// dialing are the sources that connect, with the subject of their messages.
var dialing = map[string]struct {
	check   func(address string) *v1alpha1.HealthCheck
	subject string
	passes  string
}{
	"tcp": {tcpCheck, "dial tcp %s", "connected"},
	"http": {func(address string) *v1alpha1.HealthCheck { return httpCheck("http://" + address) },
		"GET http://%s", "200 OK"},
	"grpc": {func(address string) *v1alpha1.HealthCheck { return grpcCheck(address, "") }, "grpc %s", "SERVING"},
}

// limited is a check with this timeout.
func limited(check *v1alpha1.HealthCheck, timeout time.Duration) *v1alpha1.HealthCheck {
	check.Spec.Timeout = &metav1.Duration{Duration: timeout}
	return check
}

func TestAnAddressThatHangsLeavesTimeForTheNext(t *testing.T) {
	for source, row := range dialing {
		t.Run(source, func(t *testing.T) {
			address := map[string]func() string{
				"tcp":  func() string { return listening(t, hang) },
				"http": func() string { return answering(t, 200)[len("http://"):] },
				"grpc": func() string { return servingGRPC(t, shopHealth()) },
			}[source]()
			_, port := hostAndPort(t, forwarding(t, "127.0.0.2", address))
			hangingAt(t, "127.0.0.1", port)
			options := onLoopback(t)
			options.Resolver = names{"web.shop": {addrs("127.0.0.2", "127.0.0.1")}}
			got := probedWithin(t, 2*time.Second, options, row.check("web.shop:"+port))
			expectPass(t, got, fmt.Sprintf(row.subject, "web.shop:"+port)+": "+row.passes+" (at 127.0.0.2)")
		})
	}
}

func TestAnAddressThatHangsIsToldTheSameInEveryOrder(t *testing.T) {
	_, port := hostAndPort(t, closedPort(t))
	hangingAt(t, "127.0.0.2", port)
	for source, row := range dialing {
		for _, order := range [][]string{{"127.0.0.2", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2"}} {
			t.Run(source+" "+order[0], func(t *testing.T) {
				options := onLoopback(t)
				options.Resolver = names{"web.shop": {addrs(order...)}}
				check := limited(row.check("web.shop:"+port), 400*time.Millisecond)
				expectFailure(t, probedWithin(t, 400*time.Millisecond, options, check), fmt.Sprintf(row.subject, "web.shop:"+port)+
					": connection refused; timed out while connecting, with 400ms for all addresses of the name")
			})
		}
	}
}

func TestAnAddressThatHangsAloneHasTheWholeLimit(t *testing.T) {
	_, port := hostAndPort(t, closedPort(t))
	hangingAt(t, "127.0.0.2", port)
	for source, row := range dialing {
		t.Run(source, func(t *testing.T) {
			check := row.check("127.0.0.2:" + port)
			expectFailure(t, probedWithin(t, brokenWithin, onLoopback(t), check),
				fmt.Sprintf(row.subject, "127.0.0.2:"+port)+": timed out after 5s while connecting")
		})
	}
}

// forwarding listens at an address of loopback, and passes on what comes to another, until the test ends.
func forwarding(t *testing.T, host, to string) string {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
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
			go forward(conn, to)
		}
	}()
	return listener.Addr().String()
}

func forward(conn net.Conn, to string) {
	defer conn.Close()
	other, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer other.Close()
	go func() {
		_, _ = io.Copy(other, conn)
		_ = other.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, other)
}

// The answers of two servers behind one name differ. DNS gives their addresses in any order, and the check must not say
// something else each time, nor leave open who said it.
func TestOfSeveralAddressesTheSameOneIsAskedEachTimeAndNamed(t *testing.T) {
	well, ill := answering(t, 200)[len("http://"):], answering(t, 503)[len("http://"):]
	first, port := hostAndPort(t, forwarding(t, "127.0.0.2", ill))
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.3", port))
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
			go forward(conn, well)
		}
	}()
	options := onLoopback(t)
	options.Resolver = names{"two.shop": {addrs("127.0.0.3", "127.0.0.2"), addrs("127.0.0.2", "127.0.0.3"),
		addrs("127.0.0.3", "127.0.0.2")}}
	for range 3 {
		expectFailure(t, probed(t, options, httpCheck("http://two.shop:"+port)),
			"GET http://two.shop:"+port+": 503 Service Unavailable (at "+first+")")
	}
}
