package probe_test

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/internal/probe"
)

func TestTCPPassesWhenTheConnectionIsAccepted(t *testing.T) {
	address := listening(t, hang)
	expectPass(t, probed(t, onLoopback(t), tcpCheck(address)), "dial tcp "+address+": connected")
}

func TestTCPFailsOnARefusedConnection(t *testing.T) {
	address := closedPort(t)
	expectFailure(t, probed(t, onLoopback(t), tcpCheck(address)), "dial tcp "+address+": connection refused")
}

func TestTCPTriesEveryAddressOfAName(t *testing.T) {
	address := listening(t, hang)
	_, port := hostAndPort(t, address)
	options := onLoopback(t)
	options.Resolver = names{"db.shop": {addrs("127.0.0.2", "169.254.169.254", "127.0.0.1")}}
	expectPass(t, probed(t, options, tcpCheck("db.shop:"+port)), "dial tcp db.shop:"+port+": connected (at 127.0.0.1)")
}

func TestTheMessageIsTheSameForEveryOrderOfAddresses(t *testing.T) {
	_, port := hostAndPort(t, closedPort(t))
	for _, order := range [][]string{
		{"127.0.0.2", "127.0.0.1", "169.254.169.254"},
		{"169.254.169.254", "127.0.0.1", "127.0.0.2"},
	} {
		options := onLoopback(t)
		options.Resolver = names{"db.shop": {addrs(order...)}}
		expectFailure(t, probed(t, options, tcpCheck("db.shop:"+port)), "dial tcp db.shop:"+port+": connection refused")
	}
}

func TestANameThatDoesNotExistFails(t *testing.T) {
	options := onLoopback(t)
	options.Resolver = names{}
	expectFailure(t, probed(t, options, tcpCheck("db.shop:5432")), "dial tcp db.shop:5432: no such host")
}

func TestANameWithoutAddressesFails(t *testing.T) {
	options := onLoopback(t)
	options.Resolver = names{"db.shop": {nil}}
	expectFailure(t, probed(t, options, tcpCheck("db.shop:5432")), "dial tcp db.shop:5432: no such host")
}

func TestATimeoutNamesThePhaseAndTheLimit(t *testing.T) {
	options := onLoopback(t)
	options.Resolver = stuckResolver{}
	check := tcpCheck("db.shop:5432")
	check.Spec.Interval = &metav1.Duration{Duration: time.Hour}
	check.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
	expectFailure(t, probedWithin(t, brokenWithin, options, check),
		"dial tcp db.shop:5432: timed out after 1m while resolving the name")
}

func TestAProbeThatIsInterruptedEndsAtOnce(t *testing.T) {
	options := onLoopback(t)
	options.Resolver = stuckResolver{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	expectFailure(t, probe.New(options).Probe(ctx, tcpCheck("db.shop:5432")),
		"dial tcp db.shop:5432: interrupted")
}

func TestAnAddressThatNoCRDWouldLetPassFailsAndSaysWhatIsRight(t *testing.T) {
	for address, message := range map[string]string{
		"":             "dial tcp : the address must be a host and a port, such as db.shop:5432 or [fd00::1]:5432",
		"db.shop":      "dial tcp db.shop: the address must be a host and a port, such as db.shop:5432 or [fd00::1]:5432",
		":80":          "dial tcp :80: the address must be a host and a port, such as db.shop:5432 or [fd00::1]:5432",
		"db.shop:http": "dial tcp db.shop:http: the port must be from 1 to 65535",
		"db.shop:0":    "dial tcp db.shop:0: the port must be from 1 to 65535",
		"db:99999":     "dial tcp db:99999: the port must be from 1 to 65535",
	} {
		expectFailure(t, probed(t, onLoopback(t), tcpCheck(address)), message)
	}
}
