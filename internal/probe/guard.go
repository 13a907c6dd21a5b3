package probe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// Guard decides which addresses may be connected to. Loopback, link-local, cloud metadata, multicast,
// broadcast and unspecified addresses are denied by default, and so are IPv6 addresses that embed one.
// What an operator allows overrides the defaults; what an operator denies overrides both.
//
// It judges addresses and never names: it is asked with the address that a socket is about to connect to,
// so that a name which changes its answer between a check and the dial (DNS rebinding) gains nothing.
type Guard struct {
	allow, deny []netip.Prefix
}

// NewGuard makes a guard with these exceptions to the default denials, and these further denials.
func NewGuard(allow, deny []netip.Prefix) *Guard { return &Guard{allow: allow, deny: deny} }

// DeniedError says that the guard refused an address.
type DeniedError struct {
	Addr netip.Addr
	// Why is what the address is, where that is why: "a loopback address".
	Why string
	// ByOperator is whether --probe-deny-cidrs has it, so that --probe-allow-cidrs cannot help.
	ByOperator bool
}

func (e *DeniedError) Error() string { return e.tell(e.Addr.String()) }

// tell says what is denied. Where a name led to the address that is not told: it may be another tenant's to know, and what the
// operator denies is his.
func (e *DeniedError) tell(what string) string {
	if e.ByOperator {
		return what + " is denied by the manager's --probe-deny-cidrs"
	}
	return fmt.Sprintf("%s is denied: it is %s, which only the manager's --probe-allow-cidrs can allow", what, e.Why)
}

type denial struct {
	prefix netip.Prefix
	why    string
}

// denied lists what no probe reaches by default. Private networks are not in it: most subjects live there.
var denied = []denial{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"}, // Linux connects 0.0.0.0 to itself
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.169.254/32"), "a cloud metadata address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("100.100.100.200/32"), "a cloud metadata address"}, // Alibaba Cloud
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud metadata address"},   // Azure's wire server
	{netip.MustParsePrefix("192.0.0.192/32"), "a cloud metadata address"},     // Oracle Cloud, its older one
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "a broadcast address"},
	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},                  // RFC 3879, deprecated
	{netip.MustParsePrefix("fd00:42::42/128"), "a cloud metadata address"},        // Scaleway
	{netip.MustParsePrefix("fd00:ec2::/32"), "a cloud metadata address"},          // AWS: ::254; pod credentials: ::23
	{netip.MustParsePrefix("fd20:ce::254/128"), "a cloud metadata address"},       // Google Cloud
	{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), "a cloud metadata address"}, // Oracle Cloud
	{netip.MustParsePrefix("fd00:a9fe:a9fe::1/128"), "a cloud metadata address"},  // Akamai (Linode)
	{netip.MustParsePrefix("fd00:100::100:200/128"), "a cloud metadata address"},  // Alibaba Cloud
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// Check is nil for an address that may be connected to, and a *DeniedError otherwise.
func (g *Guard) Check(addr netip.Addr) error {
	forms := formsOf(addr)
	for _, form := range forms {
		if contains(g.deny, form) {
			return &DeniedError{Addr: addr, ByOperator: true}
		}
	}
	if contains(g.allow, forms[0]) {
		return nil
	}
	for _, form := range forms {
		why, isDenied := deniedByDefault(form)
		if isDenied && !contains(g.allow, form) {
			return &DeniedError{Addr: addr, Why: why}
		}
	}
	return nil
}

// control is a net.Dialer's ControlContext: it is called with the address that the socket will connect to,
// right before it does.
func (g *Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading the address of a socket: %w", err)
	}
	return g.Check(addrPort.Addr())
}

func deniedByDefault(addr netip.Addr) (why string, is bool) {
	for _, d := range denied {
		if d.prefix.Contains(addr) {
			return d.why, true
		}
	}
	return "", false
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}
