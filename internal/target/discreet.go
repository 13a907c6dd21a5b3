package target

import (
	"fmt"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// discreet is an alias as an alias of another namespace may see it. Its owner has consented to that, but the owners of third
// namespaces, whose text it may repeat, have not: state, reason and time are passed on, and the text and the culprit only where the
// culprit is of the alias's own namespace.
func discreet(ref Reference, member health.Member, next *v1alpha1.AliasCheck) health.Member {
	culprit := next.Status.Culprit
	ofItsOwn := culprit != nil && (culprit.Namespace == next.Namespace || culprit.Namespace == "")
	if !ref.Crosses() || ofItsOwn || member.State == v1alpha1.StateMaintenance && member.Deeper == nil {
		return member
	}
	member.Deeper = nil
	member.Message = fmt.Sprintf("AliasCheck %s/%s is %s (%s)", next.Namespace, next.Name, member.State, member.Reason)
	return member
}
