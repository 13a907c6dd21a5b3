package probe

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParsePrefixes reads a comma separated list of CIDRs, such as 10.0.0.0/8,fd00::/8. It is strict, as a slip
// would open or close more than was meant: no bits beyond the length, no zones, no IPv4 written as IPv6, no
// empty items. The empty list is nil.
func ParsePrefixes(list string) ([]netip.Prefix, error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	items := strings.Split(list, ",")
	prefixes := make([]netip.Prefix, 0, len(items))
	for _, item := range items {
		prefix, err := parsePrefix(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

func parsePrefix(item string) (netip.Prefix, error) {
	if item == "" {
		return netip.Prefix{}, fmt.Errorf("there is an empty item in the list: " +
			"write CIDRs with one comma between them, such as 10.0.0.0/8,fd00::/8")
	}
	if addr, err := netip.ParseAddr(item); err == nil && addr.Zone() == "" {
		return netip.Prefix{}, fmt.Errorf("%q has no length: write %s", item,
			netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
	}
	prefix, err := netip.ParsePrefix(item)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not a CIDR: write an address and a length, such as 10.0.0.0/8", item)
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is IPv4 written as IPv6: write it as IPv4, it holds for both", item)
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has bits set beyond its length: write %s or a longer prefix", item,
			prefix.Masked())
	}
	return prefix, nil
}
