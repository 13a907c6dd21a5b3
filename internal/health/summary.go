package health

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxNamed is how many culprits the message of an aggregate names.
const maxNamed = 3

// culpritDetails are how much it has of the message of each, in bytes: the most with which it is not too long.
var culpritDetails = []int{240, 120, 60, 0}

// summary is the message of an aggregate. It names the worst first, and three at most:
// "2 of 5 checks are Critical: HealthCheck a (…), HealthCheck b (…); 1 is Warning: HealthCheck c (…); 1 is suspended".
type summary struct {
	counted, suspended []Member // worst first
	line               line
	namespace          string
}

// String is at most as long as a message may be. What does not fit is left out before anything is cut off: details
// first, and then names, so that those that are not named are always counted.
func (s summary) String() string {
	if s.allPass() {
		return s.allPassing()
	}
	message := ""
	for names := maxNamed; names > 0; names-- {
		for _, detail := range culpritDetails {
			message = s.with(names, detail)
			if len(message) <= v1alpha1.MaxMessageBytes {
				return message
			}
		}
	}
	return message
}

func (s summary) allPass() bool {
	return len(s.counted) > 0 && s.counted[0].State == v1alpha1.StatePassing && !s.line.tooFew()
}

func (s summary) allPassing() string {
	total, suspended := len(s.counted), len(s.suspended)
	switch {
	case suspended > 0:
		return fmt.Sprintf("%s Passing, %s suspended", counts(total, "is", "are"), are(suspended))
	case total == 1:
		return "the only check is Passing"
	default:
		return fmt.Sprintf("all %d checks are Passing", total)
	}
}

// with names this many of the members, each with so many bytes of its message.
func (s summary) with(names, detail int) string {
	if len(s.counted) == 0 {
		return s.nothingLeft(names)
	}
	var parts []string
	if s.line.drawn() {
		parts = append(parts, s.line.String())
	}
	for rest := s.counted; len(rest) > 0 && rest[0].State != v1alpha1.StatePassing; {
		group := sameState(rest)
		rest = rest[len(group):]
		named := s.named(group, min(names, len(group)), detail)
		names -= len(named)
		parts = append(parts, s.countOf(group, len(parts) == 0)+listed(named, group))
	}
	if len(s.suspended) > 0 {
		parts = append(parts, are(len(s.suspended))+" suspended")
	}
	return strings.Join(parts, "; ")
}

func (s summary) nothingLeft(names int) string {
	count := fmt.Sprintf("all %d checks are suspended", len(s.suspended))
	if len(s.suspended) == 1 {
		count = "the only check is suspended"
	}
	return count + listed(s.named(s.suspended, min(names, len(s.suspended)), 0), s.suspended)
}

func (s summary) countOf(group []Member, first bool) string {
	if first {
		return fmt.Sprintf("%d of %s %s", len(group), checksAre(len(group), len(s.counted)), Known(group[0].State))
	}
	return fmt.Sprintf("%s %s", are(len(group)), Known(group[0].State))
}

// name is what a message calls a member, and those whose state the same object decided.
type name struct {
	first   Member
	text    string
	members int
}

// named are the first of a group, in order. Several conditions of one object are told apart; several aliases that one
// object has failed are not.
func (s summary) named(group []Member, most, detail int) []name {
	var names []name
	for _, m := range group {
		known := slices.IndexFunc(names, func(n name) bool { return sameRoot(n.first, m) })
		switch {
		case known >= 0:
			names[known].members++
		case len(names) < most:
			names = append(names, name{m, m.describe(s.namespace, detail), 1})
		}
	}
	return names
}

func sameRoot(a, b Member) bool {
	return (a.Deeper != nil || b.Deeper != nil) && a.culprit() == b.culprit()
}

func listed(names []name, group []Member) string {
	if len(names) == 0 {
		return ""
	}
	texts, more := make([]string, 0, len(names)), len(group)
	for _, n := range names {
		texts = append(texts, n.text)
		more -= n.members
	}
	text := ": " + strings.Join(texts, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// describe names what decided the state of the member: the object at the end of a chain, and not what is between.
func (m Member) describe(namespace string, detail int) string {
	name, message := m.NameFrom(namespace), m.Message
	if m.Deeper != nil {
		root := Member{Kind: m.Deeper.Kind, Namespace: m.Deeper.Namespace, Name: m.Deeper.Name}
		name, message = root.NameFrom(namespace), detailOf(message, root.NameFrom(m.Namespace))
	}
	if message == "" || detail == 0 {
		return name
	}
	return name + " (" + bounded(message, detail) + ")"
}

// detailOf is what the message of an aggregate says of the one that it names like this, and the whole of a message that
// is its own. Otherwise each level of a roll-up would tell the counts of all those below it.
func detailOf(message, name string) string {
	_, detail, found := strings.Cut(message, name+" (")
	if !found {
		return message
	}
	open := 1
	for i, r := range detail {
		switch r {
		case '(':
			open++
		case ')':
			open--
		}
		if open == 0 {
			return detail[:i]
		}
	}
	return detail
}

// counts is "1 check counts", "2 checks count".
func counts(number int, one, many string) string {
	if number == 1 {
		return "1 check " + one
	}
	return fmt.Sprintf("%d checks %s", number, many)
}

// checksAre is what follows "N of": "5 checks are", "1 check is".
func checksAre(number, total int) string {
	checks, verb := "checks", "are"
	if total == 1 {
		checks = "check"
	}
	if number == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%d %s %s", total, checks, verb)
}

// are is "1 is", "2 are".
func are(number int) string {
	if number == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", number)
}
