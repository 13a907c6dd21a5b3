package probe_test

import (
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/probe"
)

func TestParsePrefixesReadsAList(t *testing.T) {
	got := prefixes(t, "10.0.0.0/8, fd00::/8,0.0.0.0/0")
	if len(got) != 3 || got[0].String() != "10.0.0.0/8" || got[1].String() != "fd00::/8" ||
		got[2].String() != "0.0.0.0/0" {
		t.Errorf("the prefixes are %v", got)
	}
	if got := prefixes(t, ""); got != nil {
		t.Errorf("the empty list is %v", got)
	}
}

func TestParsePrefixesIsStrictAndSaysWhatIsRight(t *testing.T) {
	for list, message := range map[string]string{
		"10.0.0.0":             `"10.0.0.0" has no length: write 10.0.0.0/32`,
		"fd00::1":              `"fd00::1" has no length: write fd00::1/128`,
		"10.0.0.1/8":           `"10.0.0.1/8" has bits set beyond its length: write 10.0.0.0/8`,
		"10.0.0.0/33":          `"10.0.0.0/33" is not a CIDR`,
		"10.0.0.0/08":          `"10.0.0.0/08" is not a CIDR`,
		"10.0.0/8":             `"10.0.0/8" is not a CIDR`,
		"010.0.0.0/8":          `"010.0.0.0/8" is not a CIDR`,
		"0x0a.0.0.0/8":         `"0x0a.0.0.0/8" is not a CIDR`,
		"fe80::%eth0/10":       `"fe80::%eth0/10" is not a CIDR`,
		"::ffff:10.0.0.0/104":  `"::ffff:10.0.0.0/104" is IPv4 written as IPv6`,
		"10.0.0.0/8,":          "empty item",
		",10.0.0.0/8":          "empty item",
		"10.0.0.0/8,,fd00::/8": "empty item",
		"10.0.0.0/8;fd00::/8":  "is not a CIDR",
		"web.shop/24":          "is not a CIDR",
	} {
		_, err := probe.ParsePrefixes(list)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v, want it to say %s", list, err, message)
		}
	}
}

func FuzzParsePrefixes(f *testing.F) {
	for _, seed := range []string{"", "10.0.0.0/8", "10.0.0.0/8,fd00::/8", "::ffff:10.0.0.0/104", ",", "a/b", "1.2.3.4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		parsed, err := probe.ParsePrefixes(list)
		if err != nil {
			return
		}
		for _, prefix := range parsed {
			if !prefix.IsValid() || prefix != prefix.Masked() || prefix.Addr().Is4In6() {
				t.Errorf("%q has let through %v", list, prefix)
			}
		}
	})
}
