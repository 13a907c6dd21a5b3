package probe_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// foreign are hosts and addresses of Services whose namespaces have not consented.
type foreign struct {
	names, addresses string
	err              error
}

func (f foreign) ReachesName(_ context.Context, _, host string) (bool, error) {
	return !strings.Contains(f.names, host), f.err
}

func (f foreign) ReachesAddress(_ context.Context, _ string, addr netip.Addr) (bool, error) {
	return !strings.Contains(f.addresses, addr.String()), f.err
}

const withoutConsent = "it belongs to a Service of another namespace, " +
	"which has no ReferenceGrant from the HealthChecks of namespace shop to it"

func TestWhatBelongsToAServiceOfAnotherNamespaceNeedsItsConsent(t *testing.T) {
	address := listening(t, func(net.Conn) {})
	_, port, _ := net.SplitHostPort(address)
	for name, host := range map[string]string{
		"a name, which is not looked up":        "db.data",
		"an address":                            "10.96.0.7",
		"an address behind a name of one's own": "mine.example.com",
		"an address for a gateway to translate": "[64:ff9b::10.96.0.7]",
	} {
		t.Run(name, func(t *testing.T) {
			options := onLoopback(t)
			options.Resolver = names{"mine.example.com": {addrs("10.96.0.7")}}
			options.Consents = foreign{names: "db.data", addresses: "10.96.0.7"}
			expectResult(t, probed(t, options, tcpCheck(host+":"+port)), health.Failed, v1alpha1.ReasonRefNotPermitted,
				"dial tcp "+host+":"+port+": "+withoutConsent)
		})
	}
	options := onLoopback(t)
	options.Consents = foreign{names: "db.data", addresses: "10.96.0.7"}
	expectPass(t, probed(t, options, tcpCheck(address)), "dial tcp "+address+": connected")
}

func TestARedirectToAServiceOfAnotherNamespaceNeedsItsConsent(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("http://db.data/", http.StatusFound))
	t.Cleanup(server.Close)
	options := onLoopback(t)
	options.Consents = foreign{names: "db.data"}
	check := httpCheck(server.URL, func(spec *v1alpha1.HTTPProbe) { spec.FollowRedirects = new(true) })
	if got := probed(t, options, check); got.Reason != v1alpha1.ReasonRefNotPermitted {
		t.Errorf("the result is %s %q", got.Reason, got.Message)
	}
}

func TestConsentThatCannotBeReadIsNoResult(t *testing.T) {
	options := onLoopback(t)
	options.Consents = foreign{err: errors.New("the watch has only just begun")}
	if got := probed(t, options, tcpCheck("db.data:5432")); got.Unread == nil {
		t.Errorf("the result is %v %q", got.Outcome, got.Message)
	}
}

var _ probe.Consents = foreign{}
