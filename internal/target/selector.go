package target

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
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
	members, err := o.membersSelected(ctx, alias.Namespace, selector)
	return health.Observation{
		Target:   displaySelector(selector),
		Combined: true,
		Members:  members,
		Message:  "no HealthCheck of this namespace is selected",
	}, err
}

// membersSelected reads the checks that have a label which the selector wants, or all where it wants none; in one
// read, so that a check which is just being relabelled is not missed.
func (o *Observer) membersSelected(
	ctx context.Context, namespace string, selector labels.Selector,
) ([]health.Member, error) {
	options := []client.ListOption{client.MatchingLabelsSelector{Selector: selector}}
	switch name, keys := wantedLabel(selector); len(keys) {
	case 0:
	case 1:
		options = append(options, client.MatchingFields{byLabel: bucketOf(keys[0])})
	default:
		options = append(options, client.MatchingFields{byLabel: bucketOf(name)})
	}
	return o.checks(ctx, namespace, options...)
}

// wantedLabel is a label that an object must have to be selected, and the keys of which it then has one. Of several
// it is the one that leaves the fewest values, which is as good a guess as any. There is none where the selector
// wants no label.
func wantedLabel(selector labels.Selector) (name string, keys []string) {
	requirements, _ := selector.Requirements()
	for _, requirement := range requirements {
		wanted := wantedKeys(requirement)
		if len(wanted) == 0 {
			continue
		}
		if anyValue := len(keys) == 1 && keys[0] == name; len(keys) == 0 || anyValue || len(wanted) < len(keys) {
			name, keys = requirement.Key(), wanted
		}
	}
	return name, keys
}

func wantedKeys(requirement labels.Requirement) []string {
	switch requirement.Operator() {
	case selection.Exists:
		return []string{requirement.Key()}
	case selection.In, selection.Equals, selection.DoubleEquals:
		var keys []string
		for _, value := range requirement.ValuesUnsorted() {
			keys = append(keys, labelKey(requirement.Key(), value))
		}
		return keys
	default:
		return nil
	}
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
