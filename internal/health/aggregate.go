package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxNamed is how many culprits the message of an aggregate names.
const maxNamed = 3

// culpritDetails are how much it has of the message of each, in bytes: the most with which it is not too long.
var culpritDetails = []int{240, 120, 60, 0}

// Member is one thing that counts towards a state: a check, the conditions of a Node, the endpoints of a
// Service, or the one object that is mirrored.
type Member struct {
	Kind, Namespace, Name string

	State   v1alpha1.State
	Reason  string
	Message string

	// Since is when the state was taken; zero where the source does not say.
	Since time.Time

	// Deeper is what decided the state of a member that is itself an alias.
	Deeper *v1alpha1.Culprit

	// Telling says that the reason explains the state of an aggregate which this member alone decides.
	Telling bool
}

// NameFrom is how a message of this namespace names the member: HealthCheck web, HealthCheck shop/web.
func (m Member) NameFrom(namespace string) string {
	if m.Namespace == "" || m.Namespace == namespace {
		return m.Kind + " " + m.Name
	}
	return m.Kind + " " + m.Namespace + "/" + m.Name
}

func (m Member) culprit() *v1alpha1.Culprit {
	if m.Deeper != nil {
		return m.Deeper.DeepCopy()
	}
	return &v1alpha1.Culprit{Kind: m.Kind, Name: m.Name, Namespace: m.Namespace}
}

// worstFirst orders members by severity, then by kind, namespace and name, so that the same members always
// give the same message.
func worstFirst(members []Member) []Member {
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b Member) int {
		return cmp.Or(
			cmp.Compare(severity(b.State), severity(a.State)),
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return sorted
}

// Aggregate is the worst of some members, at least one, told to a reader in this namespace, and the culprit
// where one member decided alone.
func Aggregate(members []Member, namespace string) (Verdict, *v1alpha1.Culprit) {
	sorted := worstFirst(members)
	worst := sorted[0]
	v := Verdict{
		State:   Known(worst.State),
		Reason:  aggregateReason(worst.State),
		Message: aggregateMessage(sorted, namespace),
	}
	alone := len(sorted) == 1 || Worse(worst.State, sorted[1].State)
	if worst.State == v1alpha1.StatePassing || !alone {
		return v, nil
	}
	if worst.Telling {
		v.Reason = worst.Reason
	}
	return v, worst.culprit()
}

func aggregateReason(worst v1alpha1.State) string {
	if worst == v1alpha1.StatePassing {
		return v1alpha1.ReasonAllPassing
	}
	return string(Known(worst)) + "Checks"
}

// aggregateMessage names the worst first, and three at most:
// "2 of 5 checks are Critical: HealthCheck a (…), HealthCheck b (…); 1 is Warning: HealthCheck c (…)".
// What does not fit is left out before anything is cut off: details first, and then names, so that those that are not
// named are always counted.
func aggregateMessage(sorted []Member, namespace string) string {
	if sorted[0].State == v1alpha1.StatePassing {
		return allPassing(len(sorted))
	}
	message := ""
	for names := maxNamed; names > 0; names-- {
		for _, detail := range culpritDetails {
			message = culpritsMessage(sorted, namespace, names, detail)
			if len(message) <= v1alpha1.MaxMessageBytes {
				return message
			}
		}
	}
	return message
}

// culpritsMessage names this many of the members, each with so many bytes of its message.
func culpritsMessage(sorted []Member, namespace string, names, detail int) string {
	var groups []string
	for rest := sorted; len(rest) > 0 && rest[0].State != v1alpha1.StatePassing; {
		group := sameState(rest)
		rest = rest[len(group):]
		named := min(names, len(group))
		names -= named
		groups = append(groups, countOf(group, len(groups) == 0, len(sorted))+namesOf(group, named, namespace, detail))
	}
	return strings.Join(groups, "; ")
}

func allPassing(count int) string {
	if count == 1 {
		return "the only check is Passing"
	}
	return fmt.Sprintf("all %d checks are Passing", count)
}

// sameState is the leading members that are as bad as the first.
func sameState(sorted []Member) []Member {
	end := slices.IndexFunc(sorted, func(m Member) bool { return severity(m.State) != severity(sorted[0].State) })
	if end < 0 {
		return sorted
	}
	return sorted[:end]
}

func countOf(group []Member, first bool, total int) string {
	verb := "are"
	if len(group) == 1 {
		verb = "is"
	}
	if first {
		checks := "checks"
		if total == 1 {
			checks = "check"
		}
		return fmt.Sprintf("%d of %d %s %s %s", len(group), total, checks, verb, Known(group[0].State))
	}
	return fmt.Sprintf("%d %s %s", len(group), verb, Known(group[0].State))
}

func namesOf(group []Member, named int, namespace string, detail int) string {
	if named == 0 {
		return ""
	}
	names := make([]string, 0, named)
	for _, m := range group[:named] {
		names = append(names, m.describe(namespace, detail))
	}
	text := ": " + strings.Join(names, ", ")
	if more := len(group) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (m Member) describe(namespace string, detail int) string {
	if m.Message == "" || detail == 0 {
		return m.NameFrom(namespace)
	}
	return m.NameFrom(namespace) + " (" + bounded(m.Message, detail) + ")"
}
