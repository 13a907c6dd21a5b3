package probe

import (
	"net/netip"
	"slices"
)

var (
	compatible = netip.MustParsePrefix("::/96")           // RFC 4291, deprecated
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765, SIIT
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")       // RFC 4380
)

// formsOf is every address that an address may stand for: first itself, without a zone and as IPv4 where it
// is a mapped one, and then the IPv4 addresses that it embeds for a gateway to send to.
func formsOf(addr netip.Addr) []netip.Addr {
	addr = addr.WithZone("").Unmap()
	if !addr.Is6() || addr.IsUnspecified() || addr.IsLoopback() {
		return []netip.Addr{addr}
	}
	return append([]netip.Addr{addr}, embedded(addr)...)
}

func embedded(addr netip.Addr) []netip.Addr {
	b := addr.As16()
	switch {
	case compatible.Contains(addr), translated.Contains(addr), nat64.Contains(addr):
		return []netip.Addr{ipv4(b[12], b[13], b[14], b[15])}
	case localNAT64.Contains(addr):
		return localNAT64Forms(b)
	case sixToFour.Contains(addr):
		return []netip.Addr{ipv4(b[2], b[3], b[4], b[5])}
	case teredo.Contains(addr):
		server, client := ipv4(b[4], b[5], b[6], b[7]), ipv4(^b[12], ^b[13], ^b[14], ^b[15])
		return []netip.Addr{server, client}
	case isISATAP(b):
		return []netip.Addr{ipv4(b[12], b[13], b[14], b[15])}
	default:
		return nil
	}
}

// localNAT64Forms are the places where RFC 6052 puts an IPv4 address for the prefix lengths that an operator
// may choose within 64:ff9b:1::/48. Byte 8 is reserved and skipped. The length is not known here, so all count,
// except those that only look unspecified because the address is in another place.
func localNAT64Forms(b [16]byte) []netip.Addr {
	places := []netip.Addr{
		ipv4(b[6], b[7], b[9], b[10]),
		ipv4(b[7], b[9], b[10], b[11]),
		ipv4(b[9], b[10], b[11], b[12]),
		ipv4(b[12], b[13], b[14], b[15]),
	}
	specified := slices.DeleteFunc(slices.Clone(places), func(a netip.Addr) bool { return a.As4()[0] == 0 })
	if len(specified) == 0 {
		return places
	}
	return specified
}

// isISATAP recognises an interface identifier of RFC 5214, which may be under any prefix.
func isISATAP(b [16]byte) bool {
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

func ipv4(a, b, c, d byte) netip.Addr { return netip.AddrFrom4([4]byte{a, b, c, d}) }
