package probe_test

import (
	"fmt"
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
			_, port := hostAndPort(t, address)
			hangingAt(t, "127.0.0.2", port)
			options := onLoopback(t)
			options.Resolver = names{"web.shop": {addrs("127.0.0.2", "127.0.0.1")}}
			got := probedWithin(t, 2*time.Second, options, row.check("web.shop:"+port))
			expectPass(t, got, fmt.Sprintf(row.subject, "web.shop:"+port)+": "+row.passes)
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
