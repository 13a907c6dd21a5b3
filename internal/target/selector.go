package target

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func (o *Observer) selected(ctx context.Context, alias *v1alpha1.AliasCheck) (health.Observation, error) {
	selector, err := SelectorOf(alias)
	if err != nil {
		return health.Observation{
			Target:  "selector",
			Problem: v1alpha1.ReasonInvalidTarget,
			Message: fmt.Sprintf("the selector cannot be read: %v", err),
		}, nil
	}
	members, err := o.checks(ctx, alias.Namespace, client.MatchingLabelsSelector{Selector: selector})
	return health.Observation{
		Target:   displaySelector(selector),
		Combined: true,
		Members:  members,
		Message:  "no HealthCheck of this namespace is selected",
	}, err
}

// SelectorOf is the selector of an alias that has one, ready to match labels. An empty one matches all.
func SelectorOf(alias *v1alpha1.AliasCheck) (labels.Selector, error) {
	selector := &metav1.LabelSelector{}
	if alias.Spec.Selector == nil {
		return labels.Nothing(), nil
	}
	for key, value := range alias.Spec.Selector.MatchLabels {
		metav1.AddLabelToSelector(selector, key, string(value))
	}
	for _, requirement := range alias.Spec.Selector.MatchExpressions {
		values := make([]string, 0, len(requirement.Values))
		for _, value := range requirement.Values {
			values = append(values, string(value))
		}
		selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: requirement.Key, Operator: requirement.Operator, Values: values,
		})
	}
	return metav1.LabelSelectorAsSelector(selector)
}

func displaySelector(selector labels.Selector) string {
	if selector.Empty() {
		return "selector *"
	}
	return "selector " + selector.String()
}
