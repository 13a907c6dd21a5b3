package target

import (
	"fmt"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// aggregateLabel on a ClusterRole makes it part of what the manager may read.
const aggregateLabel = `health.aliascheck.dev/aggregate-to-manager: "true"`

func problem(ref Reference, reason, message string) health.Observation {
	return health.Observation{Problem: reason, Message: message, Suspect: ref.culprit()}
}

func missing(ref Reference) health.Observation {
	return problem(ref, v1alpha1.ReasonTargetNotFound, fmt.Sprintf("%s does not exist", ref))
}

func invalid(ref Reference, why string) health.Observation {
	return problem(ref, v1alpha1.ReasonInvalidTarget, fmt.Sprintf("%s: %s", ref, why))
}

func ofClusterScoped(ref Reference) health.Observation {
	return invalid(ref, "this kind is cluster-scoped: leave the namespace out")
}

func notInstalled(ref Reference) health.Observation {
	return problem(ref, v1alpha1.ReasonKindNotInstalled,
		fmt.Sprintf("the API server has no kind %s in %s", ref.Kind, ref.GroupVersion()))
}

func forbidden(ref Reference) health.Observation {
	return problem(ref, v1alpha1.ReasonKindForbidden, fmt.Sprintf(
		"the manager may not get, list and watch the kind %s of %s: allow it in a ClusterRole with the label %s",
		ref.Kind, ref.GroupVersion(), aggregateLabel))
}

// nodesForbidden: Nodes belong to no namespace, so a manager with rights in some namespaces only may not read them.
func nodesForbidden(ref Reference) health.Observation {
	return problem(ref, v1alpha1.ReasonKindForbidden, "the manager works in some namespaces only and may not list and watch Nodes: "+
		"allow it by a ClusterRole and a ClusterRoleBinding, and restart it")
}

func neverReadable(ref Reference) health.Observation {
	return problem(ref, v1alpha1.ReasonKindForbidden,
		fmt.Sprintf("%s is no target: the manager never reads a %s", ref, ref.Kind))
}

// notPermitted says nothing that the alias's author did not know: not whether the target exists, and not
// whether its namespace does.
func notPermitted(ref Reference) health.Observation {
	return problem(ref, v1alpha1.ReasonRefNotPermitted, fmt.Sprintf(
		"no ReferenceGrant in namespace %s permits the AliasChecks of namespace %s to refer to %s",
		ref.Namespace, ref.Home, ref))
}

// notForAll says nothing of the target either.
func notForAll(ref Reference) health.Observation {
	return problem(ref.scoped(false), v1alpha1.ReasonRefNotPermitted, fmt.Sprintf(
		"%s is cluster-scoped: namespace %s needs the label %s: %s", ref.scoped(false), ref.Home, LabelClusterScoped, Allowed))
}

// outOfSight is a namespace that the manager does not watch. Its consent cannot be seen, so asking for
// it would not help.
func outOfSight(ref Reference) health.Observation {
	return problem(ref, v1alpha1.ReasonRefNotPermitted, fmt.Sprintf(
		"the manager does not watch namespace %s, and sees no ReferenceGrant of it: it must be among its --namespaces",
		ref.Namespace))
}
