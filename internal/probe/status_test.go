package probe

import (
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func FuzzStatusRanges(f *testing.F) {
	for _, seed := range []string{"200", "200-299", "299-200", "", "-", "099", "600", "999", "1000", "2000", "200-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ranges, err := parseStatusRanges([]v1alpha1.StatusRange{v1alpha1.StatusRange(text)})
		if err != nil {
			return
		}
		for _, r := range ranges {
			if r.first < 100 || r.last > 999 || r.first > r.last || !ranges.contain(r.first) || !ranges.contain(r.last) {
				t.Errorf("%q was read as %+v", text, r)
			}
		}
	})
}
