package health

import (
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Aggregate combines members, of which there is at least one: the state is that of the worst or, with minReady, follows from how
// many are Ready. Its message is for a reader in this namespace. The culprit is what decided the state, if it is a single thing:
// one member, or one object behind several.
//
// Suspended members are left out, and counted in words.
func Aggregate(
	members []Member, minReady *intstr.IntOrString, namespace string,
) (v Verdict, culprit *v1alpha1.Culprit) {
	counted, suspended := counting(worstFirst(members))
	return aggregate(counted, suspended, minReady, namespace)
}

func aggregate(
	counted, suspended []Member, minReady *intstr.IntOrString, namespace string,
) (v Verdict, culprit *v1alpha1.Culprit) {
	if len(counted) == 0 {
		return allSuspended(suspended, namespace)
	}
	worst := counted[0]
	v = Verdict{State: Known(worst.State), Reason: aggregateReason(worst.State)}
	culprit, telling := decider(counted)
	if telling {
		v.Reason = worst.Reason
	}
	line := lineOf(minReady, counted)
	switch {
	case line.tooFew():
		v.State, v.Reason, culprit = v1alpha1.StateCritical, v1alpha1.ReasonTooFewChecks, nil
	case line.reached() && worst.State != v1alpha1.StatePassing:
		v.State, v.Reason = v1alpha1.StateWarning, v1alpha1.ReasonPartlyReady
	}
	v.Message = summary{counted, suspended, line, namespace}.String()
	return v, culprit
}

func aggregateReason(worst v1alpha1.State) string {
	if worst == v1alpha1.StatePassing {
		return v1alpha1.ReasonAllPassing
	}
	return string(Known(worst)) + "Checks"
}

// decider is the one thing behind the worst of the members, and nil if there are several. Its reason explains the state if no
// other member is as bad.
func decider(sorted []Member) (culprit *v1alpha1.Culprit, telling bool) {
	worst := sameState(sorted)
	if worst[0].State == v1alpha1.StatePassing {
		return nil, false
	}
	root := worst[0].culprit()
	for _, m := range worst[1:] {
		if m.culprit() != root {
			return nil, false
		}
	}
	return &root, worst[0].Telling && len(worst) == 1
}

// allSuspended is what an aggregate shows if all its members are suspended.
func allSuspended(suspended []Member, namespace string) (Verdict, *v1alpha1.Culprit) {
	v := Verdict{
		State:   v1alpha1.StateUnknown,
		Reason:  v1alpha1.ReasonSuspended,
		Message: summary{suspended: suspended, namespace: namespace}.String(),
	}
	culprit, _ := decider(suspended)
	return v, culprit
}
