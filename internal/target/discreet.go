package target

import (
	"fmt"
	"slices"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// discreet is an alias as an alias of another namespace may see it. Its owner has consented to that, but the owners of third
// namespaces, whose text it may repeat, have not: state, reason and time are passed on, the culprit only where that is of the
// alias's own namespace, and the text only where, besides, it lists nothing that may be of another. What the owner says himself, with
// the annotation for maintenance, is his own text.
func discreet(ref Reference, member health.Member, next *v1alpha1.AliasCheck) health.Member {
	if !ref.Crosses() || health.AnnotatedMaintenance(next.Annotations, ref.At).In {
		return member
	}
	culprit := next.Status.Culprit
	ofItsOwn := culprit != nil && (culprit.Namespace == next.Namespace || culprit.Namespace == "")
	if ofItsOwn && !listsOthers(next) {
		return member
	}
	if !ofItsOwn {
		member.Deeper = nil
	}
	member.Message = fmt.Sprintf("AliasCheck %s/%s is %s (%s)", next.Namespace, next.Name, member.State, member.Reason)
	return member
}

// listsOthers reports whether the text of an alias that combines may list what is of other namespaces: their objects, or what its
// own aliases say, which may be theirs.
func listsOthers(alias *v1alpha1.AliasCheck) bool {
	if selectsKind(alias, v1alpha1.SelectAliasChecks) {
		return true
	}
	refs := ReferencesOf(alias)
	return len(refs) > 1 && slices.ContainsFunc(refs, func(ref Reference) bool { return ref.Crosses() || ref.toAlias() })
}
