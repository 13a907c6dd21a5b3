package probe_test

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// zone is what the server of these tests knows.
var zone = []string{
	"web.example.com. A 192.0.2.1", "web.example.com. A 192.0.2.2", "web.example.com. AAAA 2001:db8::1",
	"www.example.com. CNAME Web.Example.com.", "www.example.com. A 192.0.2.1",
	`example.com. TXT "v=spf1 " "-all \"quoted\""`, "example.com. MX 10 mail.example.com.", "example.com. NS ns1.example.com.",
	"_sip._tcp.example.com. SRV 10 60 5060 sip.example.com.", "1.2.0.192.in-addr.arpa. PTR web.example.com.",
}

// nameserver is a DNS server with that zone, over UDP and, if it may, over TCP at the same port.
func nameserver(t *testing.T, overTCP bool) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := socket.LocalAddr().String()
	serveDNS(t, &dns.Server{PacketConn: socket})
	if overTCP {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		serveDNS(t, &dns.Server{Listener: listener})
	}
	return address
}

func serveDNS(t *testing.T, server *dns.Server) {
	t.Helper()
	started := make(chan struct{})
	server.Handler, server.NotifyStartedFunc = dns.HandlerFunc(answerDNS), func() { close(started) }
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
}

func answerDNS(w dns.ResponseWriter, question *dns.Msg) {
	reply := new(dns.Msg).SetReply(question)
	asked := question.Question[0]
	switch _, isUDP := w.LocalAddr().(*net.UDPAddr); {
	case asked.Name == "silent.example.com.":
		return
	case asked.Name == "broken.example.com.":
		_, _ = w.Write([]byte("\x00"))
		return
	case asked.Name == "other.example.com.":
		reply.Question[0].Name = "another.example.com."
	case asked.Name == "large.example.com.":
		reply.Truncated = isUDP
		reply.Answer = append(reply.Answer, &dns.A{Hdr: dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeA, Class: dns.ClassINET},
			A: net.IPv4(192, 0, 2, 9)})
	case strings.HasPrefix(asked.Name, "code-"):
		code := strings.TrimSuffix(strings.TrimPrefix(asked.Name, "code-"), ".example.com.")
		reply.Rcode = dns.StringToRcode[strings.ToUpper(code)]
	default:
		reply.Rcode = dns.RcodeNameError
		addRecords(reply, asked)
	}
	_ = w.WriteMsg(reply)
}

func addRecords(reply *dns.Msg, asked dns.Question) {
	for _, text := range zone {
		record, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		if !strings.EqualFold(record.Header().Name, asked.Name) {
			continue
		}
		reply.Rcode = dns.RcodeSuccess
		if kind := record.Header().Rrtype; kind == asked.Qtype || kind == dns.TypeCNAME {
			reply.Answer = append(reply.Answer, record)
		}
	}
}

func dnsCheck(server, kind, name string, expect ...string) *v1alpha1.HealthCheck {
	return checkOf(v1alpha1.HealthCheckSpec{DNS: &v1alpha1.DNSProbe{
		Server: v1alpha1.Address(server), Type: kind, Name: name, Expect: expect}})
}

func TestDNSFindsTheRecordsOfEachType(t *testing.T) {
	server := nameserver(t, false)
	for _, row := range []struct {
		kind, name string
		expect     []string
	}{
		{"A", "web.example.com", []string{"192.0.2.2", "192.0.2.1"}},
		{"A", "WEB.example.com.", []string{"192.0.2.2"}},
		{"A", "www.example.com", []string{"192.0.2.1"}},
		{"AAAA", "web.example.com", []string{"2001:0DB8:0::1"}},
		{"CNAME", "www.example.com", []string{"web.example.com"}},
		{"TXT", "example.com", []string{`v=spf1 -all "quoted"`}},
		{"MX", "example.com", []string{"10 mail.example.com."}},
		{"NS", "example.com", []string{"NS1.example.com"}},
		{"SRV", "_sip._tcp.example.com", []string{"10 60  5060 sip.example.com"}},
		{"PTR", "1.2.0.192.in-addr.arpa", []string{"web.example.com"}},
		{"PTR", "192.0.2.1", []string{"web.example.com"}},
	} {
		subject := "dns " + row.kind + " " + row.name + " at " + server
		expectPass(t, probed(t, onLoopback(t), dnsCheck(server, row.kind, row.name, row.expect...)),
			subject+": every expected answer is there")
		expectPass(t, probed(t, onLoopback(t), dnsCheck(server, row.kind, row.name)), subject+": answered")
	}
}

func TestDNSTellsItsFailuresApart(t *testing.T) {
	server := nameserver(t, false)
	for _, row := range []struct {
		name    string
		expect  []string
		message string
	}{
		{"absent.example.com", nil, "NXDOMAIN: the name does not exist"},
		{"example.com", nil, "the name has no record of type A"},
		{"web.example.com", []string{"192.0.2.1", "192.0.2.3", "192.0.2.4"}, "the answer lacks 192.0.2.3, 192.0.2.4"},
		{"code-servfail.example.com", nil, "SERVFAIL: the server could not find it out"},
		{"code-refused.example.com", nil, "REFUSED: the server does not answer for this name, or not to us"},
		{"code-notimp.example.com", nil, "NOTIMP: the server does not know such questions"},
		{"code-formerr.example.com", nil, "FORMERR: the server could not read the question"},
		{"code-yxdomain.example.com", nil, "the server answered with code 6"},
		{"silent.example.com", nil, "timed out after 5s while waiting for the response"},
		{"broken.example.com", nil, "the answer is not a valid DNS message"},
		{"other.example.com", nil, "the answer is not a valid DNS message"},
		{"large.example.com", nil, "the answer is truncated, and over TCP: connection refused"},
	} {
		got := probedWithin(t, brokenWithin, onLoopback(t), dnsCheck(server, "A", row.name, row.expect...))
		expectFailure(t, got, "dns A "+row.name+" at "+server+": "+row.message)
	}
	closed := closedPort(t)
	expectFailure(t, probed(t, onLoopback(t), dnsCheck(closed, "A", "web.example.com")),
		"dns A web.example.com at "+closed+": connection refused while waiting for the response")
}

func TestATruncatedAnswerIsAskedForOverTCP(t *testing.T) {
	server := nameserver(t, true)
	expectPass(t, probed(t, onLoopback(t), dnsCheck(server, "A", "large.example.com", "192.0.2.9")),
		"dns A large.example.com at "+server+": every expected answer is there")
}

func TestTheServerOfTheSpecPassesTheGuardAndIsAHostOfTheNamespace(t *testing.T) {
	expectResult(t, probed(t, onLoopback(t), dnsCheck("169.254.169.254:53", "A", "web.example.com")), health.Failed,
		v1alpha1.ReasonAddressDenied, "dns A web.example.com at 169.254.169.254:53: 169.254.169.254 is denied: "+
			"it is a cloud metadata address, which only the manager's --probe-allow-cidrs can allow")
	_, port := hostAndPort(t, nameserver(t, false))
	options := onLoopback(t)
	options.Resolver = names{"dns.shop.svc": {addrs("127.0.0.1")}}
	expectPass(t, probed(t, options, dnsCheck("dns:"+port, "A", "web.example.com")),
		"dns A web.example.com at dns:"+port+": answered")
}

// Those of the manager are the operator's choice: a cache on each node is at a link-local address, or on loopback.
func TestWithoutAServerThoseOfTheManagerAreAsked(t *testing.T) {
	server, closed := nameserver(t, false), closedPort(t)
	options := probe.Options{Nameservers: func() ([]string, error) { return []string{closed, server}, nil }}
	expectPass(t, probed(t, options, dnsCheck("", "A", "web.example.com", "192.0.2.1")),
		"dns A web.example.com: every expected answer is there")
	expectFailure(t, probed(t, options, dnsCheck("", "A", "absent.example.com")),
		"dns A absent.example.com: NXDOMAIN: the name does not exist")
	expectFailure(t, probed(t, options, dnsCheck("", "A", "code-servfail.example.com")),
		"dns A code-servfail.example.com: SERVFAIL: the server could not find it out")
	options.Nameservers = func() ([]string, error) { return nil, nil }
	expectFailure(t, probed(t, options, dnsCheck("", "A", "web.example.com")),
		"dns A web.example.com: the manager has no DNS server of its own: set dns.server")
}

func TestAQuestionThatNoCRDWouldLetPassFails(t *testing.T) {
	expectFailure(t, probed(t, onLoopback(t), dnsCheck("127.0.0.1:1", "SOA1", "web.example.com")),
		"dns SOA1 web.example.com at 127.0.0.1:1: type must be one of A, AAAA, CNAME, TXT, SRV, MX, NS and PTR")
	expectFailure(t, probed(t, onLoopback(t), dnsCheck("127.0.0.1:1", "A", "a..b")),
		"dns A a..b at 127.0.0.1:1: name must be the whole name of a host or a domain, such as web.example.com")
}
