package target

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func (o *Observer) node(ctx context.Context, ref Reference) (health.Observation, error) {
	if o.WithoutNodes {
		return nodesForbidden(ref), nil
	}
	node := &corev1.Node{}
	found, err := o.get(ctx, ref.key(), node)
	if err != nil {
		return health.Observation{}, err
	}
	if !found {
		return missing(ref), nil
	}
	itself := nodeMember(node)
	if member, ok := annotated(itself, node.Annotations, ref.At); ok {
		return one(member), nil
	}
	if ref.ConditionType != "" {
		return one(conditionMember(itself, ref, nodeConditions(node))), nil
	}
	members, err := o.checks(ctx, ref.Home, ref.At, client.MatchingFields{byNode: ref.Name})
	if err != nil {
		return health.Observation{}, err
	}
	return health.Observation{Combined: true, Members: append(members, itself)}, nil
}

// nodeMember is what a Node says of itself, which counts as one check. Messages of its conditions are left
// out: kubelet writes times into them.
func nodeMember(node *corev1.Node) health.Member {
	member := health.Member{APIVersion: "v1", Kind: kindNode, Name: node.Name, State: v1alpha1.StatePassing}
	if node.DeletionTimestamp != nil {
		return terminating(member)
	}
	var said []string
	for _, f := range nodeFindings(node) {
		switch {
		case health.Worse(f.State, member.State):
			member.State, member.Since, said = f.State, f.Since, []string{f.Message}
		case f.State == member.State:
			said = append(said, f.Message)
		}
	}
	member.Message = strings.Join(said, ", ")
	return member
}

// terminating is a Node that is being deleted: what runs on it ends with it, whatever it says meanwhile.
func terminating(node health.Member) health.Member {
	node.State, node.Reason, node.Telling = v1alpha1.StateCritical, v1alpha1.ReasonTerminating, true
	node.Message = "it is being deleted"
	return node
}

// nodeFindings is all that is wrong with a Node.
func nodeFindings(node *corev1.Node) []health.Member {
	var findings []health.Member
	if node.Spec.Unschedulable {
		findings = append(findings, health.Member{State: v1alpha1.StateMaintenance, Message: "cordoned"})
	}
	readyKnown := false
	for _, c := range node.Status.Conditions {
		readyKnown = readyKnown || c.Type == corev1.NodeReady
		if state := stateOfNodeCondition(c); state != v1alpha1.StatePassing {
			findings = append(findings, health.Member{State: state, Since: c.LastTransitionTime.Time, Message: saidBy(c)})
		}
	}
	if !readyKnown {
		findings = append(findings, health.Member{State: v1alpha1.StateUnknown, Message: "no Ready condition"})
	}
	return findings
}

func stateOfNodeCondition(c corev1.NodeCondition) v1alpha1.State {
	switch c.Type {
	case corev1.NodeReady:
		if c.Status != corev1.ConditionTrue {
			return v1alpha1.StateCritical
		}
	case corev1.NodeNetworkUnavailable:
		if c.Status == corev1.ConditionTrue {
			return v1alpha1.StateCritical
		}
	case corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure:
		if c.Status == corev1.ConditionTrue {
			return v1alpha1.StateWarning
		}
	}
	return v1alpha1.StatePassing
}

func saidBy(c corev1.NodeCondition) string {
	if c.Reason == "" {
		return fmt.Sprintf("%s is %s", c.Type, c.Status)
	}
	return fmt.Sprintf("%s is %s: %s", c.Type, c.Status, c.Reason)
}

func nodeConditions(node *corev1.Node) []metav1.Condition {
	conditions := make([]metav1.Condition, 0, len(node.Status.Conditions))
	for _, c := range node.Status.Conditions {
		conditions = append(conditions, metav1.Condition{
			Type:               string(c.Type),
			Status:             metav1.ConditionStatus(c.Status),
			Reason:             c.Reason,
			LastTransitionTime: c.LastTransitionTime,
		})
	}
	return conditions
}
