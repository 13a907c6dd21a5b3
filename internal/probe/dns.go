package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const (
	// resolvConf says which DNS servers the manager itself asks.
	resolvConf = "/etc/resolv.conf"
	// maxNameservers of it are asked, as resolvers do.
	maxNameservers = 3
	// udpAnswer is how long an answer over UDP may be: what passes every network in one piece (DNS flag day 2020).
	udpAnswer = 1232
)

// dns passes when a DNS server has the records of a name, and those among them that are expected.
func (p *Probes) dns(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	spec := check.Spec.DNS
	a := newAttempt(check, dnsSubject(spec))
	question, err := questionOf(spec)
	if err != nil {
		return a.failed(err)
	}
	answer, err := p.resolve(ctx, a, string(spec.Server), question)
	if truncated, ok := errors.AsType[*truncatedError](err); ok {
		_, now := a.now()
		return failed(a.says("the answer is truncated, and over TCP: " + a.words(truncated.err, now)))
	}
	if err != nil {
		return a.failed(err)
	}
	return answered(a, spec, answer)
}

func dnsSubject(spec *v1alpha1.DNSProbe) string {
	subject := fmt.Sprintf("dns %s %s", recordType(spec), spec.Name)
	if spec.Server == "" {
		return subject
	}
	return subject + " at " + string(spec.Server)
}

func recordType(spec *v1alpha1.DNSProbe) string {
	if spec.Type == "" {
		return "A"
	}
	return spec.Type
}

// questionOf asks for the name as it stands. The addresses of type PTR are written backwards in DNS.
func questionOf(spec *v1alpha1.DNSProbe) (*dns.Msg, error) {
	kind, known := dns.StringToType[recordType(spec)]
	if !known {
		return nil, plainError("type must be one of A, AAAA, CNAME, TXT, SRV, MX, NS and PTR")
	}
	name := dns.Fqdn(spec.Name)
	if reverse, err := dns.ReverseAddr(spec.Name); err == nil && kind == dns.TypePTR {
		name = reverse
	}
	if _, valid := dns.IsDomainName(name); !valid {
		return nil, plainError("name must be the whole name of a host or a domain, such as web.example.com")
	}
	question := new(dns.Msg).SetQuestion(name, kind)
	question.SetEdns0(udpAnswer, false)
	return question, nil
}

// resolve asks the server of the spec, through the guard, or else those of the manager, which are the operator's choice
// and may be link-local, as a cache on each node is.
func (p *Probes) resolve(ctx context.Context, a *attempt, server string, question *dns.Msg) (*dns.Msg, error) {
	if server != "" {
		return exchange(ctx, p.dialer, a, server, question)
	}
	servers, err := p.nameservers()
	if err != nil || len(servers) == 0 {
		return nil, plainError("the manager has no DNS server of its own: set dns.server")
	}
	servers = servers[:min(len(servers), maxNameservers)]
	var answer *dns.Msg
	for i, address := range servers {
		share, cancel := shareOf(ctx, len(servers)-i)
		answer, err = exchange(share, dialer{guard: unguarded, resolver: p.dialer.resolver}, a, address, question)
		cancel()
		if err == nil && answer.Rcode != dns.RcodeServerFailure {
			return answer, nil
		}
	}
	return answer, err
}

// unguarded lets everything pass.
var unguarded = NewGuard([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, nil)

// shareOf is a context for one of several that share the time which is left.
func shareOf(ctx context.Context, sharers int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(sharers))
}

// systemNameservers are those of the system, with their port.
func systemNameservers() ([]string, error) {
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, fmt.Errorf("reading the DNS servers of the system: %w", err)
	}
	var all []string
	for _, server := range config.Servers {
		all = append(all, net.JoinHostPort(server, config.Port))
	}
	return all, nil
}

// exchange asks one server: over UDP, and once more over TCP where the answer does not fit (RFC 7766).
func exchange(ctx context.Context, d dialer, a *attempt, server string, question *dns.Msg) (answer *dns.Msg, err error) {
	err = d.each(ctx, a, "udp", server, func(conn net.Conn) (err error) {
		answer, err = asksOver(ctx, a, conn, question)
		if err != nil || !answer.Truncated {
			return err
		}
		answer, err = overTCP(ctx, d, a, conn.RemoteAddr(), question)
		return err
	})
	return answer, err
}

// truncatedError says why the whole of an answer is not to be had.
type truncatedError struct{ err error }

func (e *truncatedError) Error() string { return "the answer is truncated: " + e.err.Error() }

func overTCP(ctx context.Context, d dialer, a *attempt, server net.Addr, question *dns.Msg) (*dns.Msg, error) {
	to, err := netip.ParseAddrPort(server.String())
	if err != nil {
		return nil, &truncatedError{err}
	}
	a.enter(connecting)
	conn, err := d.connect(ctx, "tcp", to, 1)
	if err != nil {
		return nil, &truncatedError{err}
	}
	answer, err := asksOver(ctx, a, conn, question)
	if err != nil {
		return nil, &truncatedError{err}
	}
	return answer, nil
}

// asksOver a connection, and closes it. The library waits for 2 s where it is not told otherwise.
func asksOver(ctx context.Context, a *attempt, conn net.Conn, question *dns.Msg) (*dns.Msg, error) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	a.enter(awaiting)
	client := dns.Client{Timeout: 2 * a.limit}
	answer, _, err := client.ExchangeWithConnContext(ctx, question, &dns.Conn{Conn: conn})
	switch {
	case err == nil && (!answer.Response || !slices.Equal(answer.Question, question.Question)):
		return nil, plainError(notDNS)
	case err == nil:
		return answer, nil
	case errors.Is(err, dns.ErrId), isUnpacking(err):
		return nil, plainError(notDNS)
	default:
		return nil, contextOr(ctx, err)
	}
}

const notDNS = "the answer is not a valid DNS message"

// isUnpacking tells an error of the library on the message from one of the connection.
func isUnpacking(err error) bool {
	_, ofLibrary := errors.AsType[*dns.Error](err)
	return ofLibrary || strings.HasPrefix(err.Error(), "bad ") || strings.HasPrefix(err.Error(), "overflow")
}

// rcodes say what a server means that has no answer.
var rcodes = map[int]string{
	dns.RcodeNameError:      "NXDOMAIN: the name does not exist",
	dns.RcodeServerFailure:  "SERVFAIL: the server could not find it out",
	dns.RcodeRefused:        "REFUSED: the server does not answer for this name, or not to us",
	dns.RcodeNotImplemented: "NOTIMP: the server does not know such questions",
	dns.RcodeFormatError:    "FORMERR: the server could not read the question",
}

// answered judges an answer. Which other records there are is not told: that may change with each answer.
func answered(a *attempt, spec *v1alpha1.DNSProbe, answer *dns.Msg) Result {
	if answer.Rcode != dns.RcodeSuccess {
		words, known := rcodes[answer.Rcode]
		if !known {
			words = fmt.Sprintf("the server answered with code %d", answer.Rcode)
		}
		return failed(a.says(words))
	}
	kind := recordType(spec)
	found := recordsOf(answer, dns.StringToType[kind])
	missing := slices.DeleteFunc(slices.Clone(spec.Expect), func(expected string) bool {
		return slices.Contains(found, normalized(kind, expected))
	})
	switch {
	case len(found) == 0:
		return failed(a.says("the name has no record of type " + kind))
	case len(missing) > 0:
		return failed(a.says("the answer lacks " + firstFew(missing)))
	case len(spec.Expect) > 0:
		return passed(a.says("every expected answer is there"))
	default:
		return passed(a.says("answered"))
	}
}

// recordsOf a type are those in the answer, as a zone file has them.
func recordsOf(answer *dns.Msg, kind uint16) []string {
	var all []string
	for _, record := range answer.Answer {
		if record.Header().Rrtype == kind {
			all = append(all, recordText(record))
		}
	}
	return all
}

func recordText(record dns.RR) string {
	switch r := record.(type) {
	case *dns.A:
		return normalized("A", r.A.String())
	case *dns.AAAA:
		return normalized("AAAA", r.AAAA.String())
	case *dns.CNAME:
		return normalized("CNAME", r.Target)
	case *dns.NS:
		return normalized("NS", r.Ns)
	case *dns.PTR:
		return normalized("PTR", r.Ptr)
	case *dns.MX:
		return normalized("MX", fmt.Sprintf("%d %s", r.Preference, r.Mx))
	case *dns.SRV:
		return normalized("SRV", fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target))
	case *dns.TXT:
		return unescaped(strings.Join(r.Txt, ""))
	default:
		return ""
	}
}

// normalized is one spelling of what is the same in DNS: addresses in their shortest form, names in lower case and without
// the dot at their end. Text is what it is.
func normalized(kind, text string) string {
	switch kind {
	case "TXT":
		return text
	case "A", "AAAA":
		if addr, err := netip.ParseAddr(text); err == nil {
			return addr.Unmap().String()
		}
		return text
	default:
		return strings.TrimSuffix(strings.Join(strings.Fields(strings.ToLower(text)), " "), ".")
	}
}

// unescaped is text as it was sent: the library writes a quote as \" and a byte beyond ASCII as \195.
func unescaped(text string) string {
	var plain strings.Builder
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case len(rest) >= 4 && rest[0] == '\\' && isDigits(rest[1:4]):
			plain.WriteByte((rest[1]-'0')*100 + (rest[2]-'0')*10 + (rest[3] - '0'))
			i += 3
		case len(rest) >= 2 && rest[0] == '\\':
			plain.WriteByte(rest[1])
			i++
		default:
			plain.WriteByte(rest[0])
		}
	}
	return plain.String()
}

func isDigits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
