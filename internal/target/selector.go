package target

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func (r *reading) selected(ctx context.Context) (health.Observation, error) {
	selector, err := SelectorOf(r.alias)
	if err != nil {
		return health.Observation{
			Problem: v1alpha1.ReasonInvalidTarget,
			Message: fmt.Sprintf("the selector cannot be read: %v", err),
		}, nil
	}
	members, err := r.membersSelected(ctx, selector)
	return health.Observation{
		Combined:     true,
		Members:      members,
		Message:      nothingSelected(r.alias),
		FailingSince: r.failingSince(r.readBySelector()),
	}, err
}

func nothingSelected(alias *v1alpha1.AliasCheck) string {
	var kinds []string
	for _, kind := range selectedKinds(alias) {
		kinds = append(kinds, string(kind))
	}
	return fmt.Sprintf("no %s of this namespace is selected", strings.Join(kinds, " and no "))
}

// membersSelected are the checks that a selector selects. An alias that is itself among them is left out.
func (r *reading) membersSelected(ctx context.Context, selector labels.Selector) (members []health.Member, err error) {
	if selectsKind(r.alias, v1alpha1.SelectHealthChecks) {
		if members, err = r.checks(ctx, r.alias.Namespace, r.at, labelled(selector)...); err != nil {
			return nil, err
		}
	}
	if !selectsKind(r.alias, v1alpha1.SelectAliasChecks) {
		return members, nil
	}
	if r.unexplored != nil {
		return nil, r.unexplored
	}
	for _, next := range r.graph.start().next {
		if outOfDate(next.alias) {
			return nil, ErrNotYet
		}
		members = append(members, aliasMember(next.alias, r.at))
	}
	return members, nil
}

// selectedAliases are the other aliases that the selector of one selects.
func (r *reading) selectedAliases(ctx context.Context, alias *v1alpha1.AliasCheck) ([]*v1alpha1.AliasCheck, error) {
	selector, invalid := SelectorOf(alias)
	if invalid != nil {
		return nil, nil //nolint:nilerr // an alias whose selector cannot be read says so itself, and leads nowhere
	}
	list := &v1alpha1.AliasCheckList{}
	options := append(labelled(selector), client.InNamespace(alias.Namespace), client.UnsafeDisableDeepCopy)
	if err := r.Client.List(ctx, list, options...); err != nil {
		return nil, fmt.Errorf("listing the AliasChecks of namespace %s: %w", alias.Namespace, err)
	}
	others := make([]*v1alpha1.AliasCheck, 0, len(list.Items))
	for i := range list.Items {
		if list.Items[i].Name != alias.Name {
			others = append(others, &list.Items[i])
		}
	}
	return others, nil
}

// selectedKinds are the kinds that the selector of an alias selects, in the order of their importance.
func selectedKinds(alias *v1alpha1.AliasCheck) []v1alpha1.SelectorKind {
	var kinds []v1alpha1.SelectorKind
	for _, kind := range []v1alpha1.SelectorKind{v1alpha1.SelectHealthChecks, v1alpha1.SelectAliasChecks} {
		if selectsKind(alias, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func selectsKind(alias *v1alpha1.AliasCheck, kind v1alpha1.SelectorKind) bool {
	switch {
	case alias.Spec.Selector == nil:
		return false
	case len(alias.Spec.Selector.Kinds) == 0:
		return kind == v1alpha1.SelectHealthChecks
	default:
		return slices.Contains(alias.Spec.Selector.Kinds, kind)
	}
}

// Selects reports whether the selector of an alias selects a check of this kind in its namespace. It does not select
// itself.
func Selects(alias *v1alpha1.AliasCheck, kind v1alpha1.SelectorKind, check client.Object) bool {
	if !selectsKind(alias, kind) || kind == v1alpha1.SelectAliasChecks && check.GetName() == alias.Name {
		return false
	}
	selector, err := SelectorOf(alias)
	return err == nil && selector.Matches(labels.Set(check.GetLabels()))
}

// labelled finds the checks that have a label which the selector wants, or all where it wants none; in one read, so that a
// check which is just being relabelled is not missed.
func labelled(selector labels.Selector) []client.ListOption {
	options := []client.ListOption{client.MatchingLabelsSelector{Selector: selector}}
	switch name, keys := wantedLabel(selector); len(keys) {
	case 0:
	case 1:
		options = append(options, client.MatchingFields{byLabel: bucketOf(keys[0])})
	default:
		options = append(options, client.MatchingFields{byLabel: bucketOf(name)})
	}
	return options
}

// wantedLabel is a label that an object must have to be selected, and the keys of which it then has one. Of several
// it is the one that leaves the fewest values, which is as good a guess as any. It is missing if the selector
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
