package health

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// line is how many members minReady asks for. The zero value asks for nothing.
type line struct {
	minReady     *intstr.IntOrString
	ready, total int
	needed       int
}

// lineOf counts the members that are Ready, and how many have to be: of a percentage, rounded up.
func lineOf(minReady *intstr.IntOrString, counted []Member) line {
	if minReady == nil {
		return line{}
	}
	l := line{minReady: minReady, total: len(counted)}
	for _, m := range counted {
		if m.ready() {
			l.ready++
		}
	}
	needed, err := intstr.GetScaledValueFromIntOrPercent(minReady, l.total, true)
	if err != nil { // the schema refuses it; what cannot be read asks for all
		needed = l.total
	}
	l.needed = needed
	return l
}

func (l line) drawn() bool   { return l.minReady != nil }
func (l line) reached() bool { return l.drawn() && l.ready >= l.needed }

// tooFew reports whether there are not even so many members, ready or not.
func (l line) tooFew() bool { return l.drawn() && l.total < l.needed }

func (l line) String() string {
	if l.tooFew() {
		return fmt.Sprintf("%s, and minReady is %s", counts(l.total, "counts", "count"), l.minReady)
	}
	return fmt.Sprintf("%d of %s Ready (minReady %s)", l.ready, checksAre(l.ready, l.total), l.minReady)
}
