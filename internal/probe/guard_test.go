package probe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// The addresses which the guard must know in every disguise. Why is a part of the message; empty is allowed.
func TestGuardKnowsEveryDisguise(t *testing.T) {
	for _, row := range []struct{ addr, why string }{
		{"127.0.0.1", "loopback"},
		{"127.255.255.254", "loopback"},
		{"::1", "loopback"},
		{"::ffff:127.0.0.1", "loopback"},
		{"::ffff:7f00:1", "loopback"},
		{"::127.0.0.1", "loopback"},
		{"::ffff:0:127.0.0.1", "loopback"},
		{"64:ff9b::127.0.0.1", "loopback"},
		{"64:ff9b:1::127.0.0.1", "loopback"},
		{"64:ff9b:1:7f00:0:100::", "loopback"},
		{"64:ff9b:1:7f:0:1::", "loopback"},
		{"64:ff9b:1:0:7f:0:100:0", "loopback"},
		{"2002:7f00:1::", "loopback"},
		{"2002:7f00:1::1", "loopback"},
		{"2001:0:7f00:1::", "loopback"},
		{"2001:0:c633:6401:0:0:80ff:fffe", "loopback"},
		{"2001:db8::5efe:127.0.0.1", "loopback"},
		{"2001:db8::200:5efe:127.0.0.1", "loopback"},
		{"0.0.0.0", "unspecified"},
		{"0.1.2.3", "unspecified"},
		{"::", "unspecified"},
		{"::ffff:0.0.0.0", "unspecified"},
		{"64:ff9b::", "unspecified"},
		{"2002::", "unspecified"},
		{"169.254.0.1", "link-local"},
		{"169.254.170.2", "link-local"},
		{"fe80::1", "link-local"},
		{"fe80::1%eth0", "link-local"},
		{"febf::1", "link-local"},
		{"::ffff:169.254.1.1%eth0", "link-local"},
		{"169.254.169.254", "cloud metadata"},
		{"::ffff:169.254.169.254", "cloud metadata"},
		{"::ffff:a9fe:a9fe", "cloud metadata"},
		{"64:ff9b::a9fe:a9fe", "cloud metadata"},
		{"2002:a9fe:a9fe::", "cloud metadata"},
		{"fd00:ec2::254", "cloud metadata"},
		{"fd00:ec2::254%lo", "cloud metadata"},
		{"fd00:ec2::23", "cloud metadata"},
		{"fd20:ce::254", "cloud metadata"},
		{"fd00:c1::a9fe:a9fe", "cloud metadata"},
		{"100.100.100.200", "cloud metadata"},
		{"168.63.129.16", "cloud metadata"},
		{"192.0.0.192", "cloud metadata"},
		{"::ffff:192.0.0.192", "cloud metadata"},
		{"64:ff9b::192.0.0.192", "cloud metadata"},
		{"fd00:42::42", "cloud metadata"},
		{"fe80::a9fe:a9fe", "link-local"},
		{"fec0::1", "site-local"},
		{"feff::1", "site-local"},
		{"192.0.0.191", ""},
		{"fd00:42::43", ""},
		{"224.0.0.1", "multicast"},
		{"239.255.255.255", "multicast"},
		{"ff02::1", "multicast"},
		{"ff0e::1", "multicast"},
		{"::ffff:224.0.0.1", "multicast"},
		{"255.255.255.255", "broadcast"},
		{"::ffff:255.255.255.255", "broadcast"},
		{"10.0.0.1", ""},
		{"172.16.0.1", ""},
		{"192.168.1.1", ""},
		{"100.64.0.1", ""},
		{"198.51.100.1", ""},
		{"240.0.0.1", ""},
		{"fd00::1", ""},
		{"2001:db8::1", ""},
		{"::ffff:10.0.0.1", ""},
		{"64:ff9b::10.0.0.1", ""},
		{"2002:a00:1::", ""},
		{"64:ff9b:1::10.0.0.1", ""},
		{"64:ff9b:1::", "unspecified"},
	} {
		err := guard(t, "", "").Check(netip.MustParseAddr(row.addr))
		if row.why == "" && err != nil {
			t.Errorf("%s is denied: %v", row.addr, err)
		}
		if row.why != "" && (err == nil || !strings.Contains(err.Error(), row.why)) {
			t.Errorf("%s: %v, want it denied as %s", row.addr, err, row.why)
		}
	}
}

func TestGuardListsOfTheOperator(t *testing.T) {
	for _, row := range []struct {
		name, allow, deny, addr string
		denied                  bool
	}{
		{"an allowed loopback", "127.0.0.0/8", "", "127.0.0.1", false},
		{"an allowed loopback, mapped", "127.0.0.0/8", "", "::ffff:127.0.0.1", false},
		{"the other loopback", "127.0.0.0/8", "", "::1", true},
		{"an allowed IPv6 loopback", "::1/128", "", "::1", false},
		{"an allowed loopback says nothing of metadata", "127.0.0.0/8", "", "169.254.169.254", true},
		{"an allowed NAT64 prefix as a whole", "64:ff9b::/96", "", "64:ff9b::7f00:1", false},
		{"one allowed address", "169.254.1.1/32", "", "169.254.1.2", true},
		{"everything allowed", "0.0.0.0/0,::/0", "", "169.254.169.254", false},
		{"everything allowed, link-local with a zone", "0.0.0.0/0,::/0", "", "fe80::1%eth0", false},
		{"a denied network", "", "10.0.0.0/8", "10.1.2.3", true},
		{"a denied network, mapped", "", "10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"a denied network by NAT64", "", "10.0.0.0/8", "64:ff9b::a01:203", true},
		{"a denied network by 6to4", "", "10.0.0.0/8", "2002:a01:203::1", true},
		{"a denied IPv6 network with a zone", "", "fd00::/8", "fd00::1%eth0", true},
		{"deny wins over allow", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", true},
		{"deny wins over allow of the same", "127.0.0.1/32", "127.0.0.1/32", "127.0.0.1", true},
		{"deny wins over an allowed NAT64 prefix", "64:ff9b::/96", "10.0.0.0/8", "64:ff9b::a01:203", true},
		{"beside what is denied", "", "10.0.0.0/8", "11.0.0.1", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := guard(t, row.allow, row.deny).Check(netip.MustParseAddr(row.addr))
			if _, ok := errors.AsType[*probe.DeniedError](err); ok != row.denied {
				t.Errorf("%s with allow %q and deny %q: %v", row.addr, row.allow, row.deny, err)
			}
		})
	}
}

// Spellings of loopback, metadata and unspecified addresses that some resolver or other understands. The
// resolver here is the most obliging of all, and reads each as inet_aton does; nothing may be connected to.
func TestNoSpellingReachesADeniedAddress(t *testing.T) {
	served := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	defer server.Close()
	_, port := hostAndPort(t, server.Listener.Addr().String())
	loopback, metadata := addrs("127.0.0.1"), addrs("169.254.169.254")
	options := probe.Options{Resolver: names{
		"2130706433":          {loopback},
		"0x7f000001":          {loopback},
		"0x7f.0.0.1":          {loopback},
		"0x7F.0x0.0x0.0x1":    {loopback},
		"017700000001":        {loopback},
		"0177.0.0.1":          {loopback},
		"00000177.0.0.01":     {loopback},
		"127.1":               {loopback},
		"127.0.1":             {loopback},
		"127.000.000.001":     {loopback},
		"localhost":           {loopback},
		"LOCALHOST":           {loopback},
		"localhost.":          {loopback},
		"0":                   {addrs("0.0.0.0")},
		"0x0":                 {addrs("0.0.0.0")},
		"2852039166":          {metadata},
		"0xa9fea9fe":          {metadata},
		"0251.0376.0251.0376": {metadata},
		"169.254.43518":       {metadata},
		"metadata.internal":   {addrs("fd00:ec2::254")},
		"v6.shop":             {addrs("::ffff:127.0.0.1")},
		"both.shop":           {addrs("127.0.0.1", "::1")},
	}}
	hosts := []string{"127.0.0.1", "[::1]", "[::]", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"[0:0:0:0:0:ffff:7f00:0001]",
		"169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[fe80::1%25lo]"}
	for host := range options.Resolver.(names) {
		hosts = append(hosts, host)
	}
	for _, host := range hosts {
		result := probed(t, options, httpCheck("http://"+host+":"+port+"/"))
		if result.Outcome != health.Failed || result.Reason != v1alpha1.ReasonAddressDenied {
			t.Errorf("%s: %+v, want it denied", host, result)
		}
	}
	if served != 0 {
		t.Errorf("%d requests reached a server on loopback", served)
	}
}

func TestTheSystemResolverReadsNoNumberAsAnAddress(t *testing.T) {
	for _, host := range []string{"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"} {
		result := probedWithin(t, brokenWithin, probe.Options{}, tcpCheck(host+":1"))
		if result.Outcome != health.Failed {
			t.Errorf("%s: %+v, want a failure", host, result)
		}
	}
}

func TestARebindingNameGainsNothing(t *testing.T) {
	served := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	defer server.Close()
	_, port := hostAndPort(t, server.Listener.Addr().String())
	// The first answer is a public address, and each later one is loopback.
	options := probe.Options{Resolver: names{"rebind.example": {addrs("198.51.100.1"), addrs("127.0.0.1")}}}
	prober := probe.New(options)
	for range 3 {
		result := probedWith(t, prober, httpCheck("http://rebind.example:"+port+"/"))
		if result.Outcome != health.Failed {
			t.Errorf("%+v, want a failure", result)
		}
	}
	if served != 0 {
		t.Errorf("%d requests reached loopback", served)
	}
}

func TestARedirectPassesTheGuardAnew(t *testing.T) {
	for _, target := range []string{
		"http://127.0.0.2:1/", "http://[::1]:1/", "http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/",
		"http://inner.shop/", "https://127.0.0.3/", "//127.0.0.4:1/",
	} {
		server := httptest.NewServer(http.RedirectHandler(target, http.StatusFound))
		options := probe.Options{
			Guard:    guard(t, "127.0.0.1/32", ""),
			Resolver: names{"inner.shop": {addrs("127.0.0.5")}},
		}
		result := probed(t, options, httpCheck(server.URL))
		if result.Reason != v1alpha1.ReasonAddressDenied || !strings.Contains(result.Message, "redirected to http") {
			t.Errorf("a redirect to %s: %+v, want it denied", target, result)
		}
		server.Close()
	}
}

// What a name leads to in another namespace, and what the operator denies, is not told to whoever may write checks.
func TestADenialNamesTheRemedyAndNoAddressThatTheCheckDoesNot(t *testing.T) {
	expectResult(t, probed(t, probe.Options{}, tcpCheck("127.0.0.1:80")), health.Failed, v1alpha1.ReasonAddressDenied,
		"dial tcp 127.0.0.1:80: 127.0.0.1 is denied: it is a loopback address, "+
			"which only the manager's --probe-allow-cidrs can allow")
	options := probe.Options{Guard: guard(t, "", "10.0.0.0/8"),
		Resolver: names{"db.shop": {addrs("10.0.0.9", "10.0.0.2")}}}
	expectResult(t, probed(t, options, tcpCheck("db.shop:5432")), health.Failed, v1alpha1.ReasonAddressDenied,
		"dial tcp db.shop:5432: the address of the name is denied by the manager's --probe-deny-cidrs")
	expectResult(t, probed(t, options, tcpCheck("10.0.0.2:5432")), health.Failed, v1alpha1.ReasonAddressDenied,
		"dial tcp 10.0.0.2:5432: 10.0.0.2 is denied by the manager's --probe-deny-cidrs")
}
