package target

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestASelectorIsFoundByALabelThatItWants(t *testing.T) {
	requirement := func(name string, operator metav1.LabelSelectorOperator, values ...v1alpha1.LabelValue) v1alpha1.Selector {
		return v1alpha1.Selector{MatchExpressions: []v1alpha1.SelectorRequirement{
			{Key: name, Operator: operator, Values: values},
		}}
	}
	both := requirement("team", metav1.LabelSelectorOpExists)
	both.MatchLabels = map[string]v1alpha1.LabelValue{"tier": "web"}
	few := requirement("team", metav1.LabelSelectorOpIn, "a", "b")
	few.MatchLabels = map[string]v1alpha1.LabelValue{"tier": "web"}
	for name, c := range map[string]struct {
		selector v1alpha1.Selector
		keys     []string
	}{
		"all":                       {v1alpha1.Selector{}, []string{"*"}},
		"a label":                   {v1alpha1.Selector{MatchLabels: map[string]v1alpha1.LabelValue{"team": "a"}}, []string{"team=a"}},
		"an empty value":            {v1alpha1.Selector{MatchLabels: map[string]v1alpha1.LabelValue{"team": ""}}, []string{"team="}},
		"several values":            {requirement("team", metav1.LabelSelectorOpIn, "a", "b"), []string{"team=a", "team=b"}},
		"any value":                 {requirement("team", metav1.LabelSelectorOpExists), []string{"team"}},
		"no value":                  {requirement("team", metav1.LabelSelectorOpDoesNotExist), []string{"*"}},
		"other values":              {requirement("team", metav1.LabelSelectorOpNotIn, "a"), []string{"*"}},
		"a value rather than any":   {both, []string{"tier=web"}},
		"one value rather than two": {few, []string{"tier=web"}},
	} {
		t.Run(name, func(t *testing.T) {
			alias := &v1alpha1.AliasCheck{Spec: v1alpha1.AliasCheckSpec{Selector: &c.selector}}
			keys := selectorKeys(alias)
			if want := inBuckets(c.keys); !slices.Equal(keys, want) {
				t.Errorf("the keys are %q, want %q: the buckets of %q", keys, want, c.keys)
			}
			selector, err := SelectorOf(alias)
			if err != nil {
				t.Fatal(err)
			}
			for _, set := range []labels.Set{nil, {"team": ""}, {"team": "a"}, {"team": "b", "tier": "web"}, {"tier": "web"}} {
				found := slices.ContainsFunc(SelectorKeys(set), func(key string) bool { return slices.Contains(keys, key) })
				if selector.Matches(set) && !found {
					t.Errorf("%v is selected, and its edge would not reach the alias", set)
				}
			}
		})
	}
	if keys := selectorKeys(&v1alpha1.AliasCheck{}); keys != nil {
		t.Errorf("an alias without a selector has the keys %q", keys)
	}
}

func inBuckets(keys []string) []string {
	if slices.Equal(keys, []string{anyLabels}) {
		return keys
	}
	return bucketsOf(keys)
}

func TestAnObjectHasABoundedNumberOfKeysHoweverManyLabels(t *testing.T) {
	many := map[string]string{}
	for i := range 30_000 {
		many[fmt.Sprintf("a%05d", i)] = "x"
	}
	if keys := SelectorKeys(many); len(keys) > labelBuckets+1 {
		t.Errorf("an object with 30,000 labels has %d keys, want at most %d", len(keys), labelBuckets+1)
	}
	few := SelectorKeys(map[string]string{"team": "shop", "tier": "web"})
	if len(few) != 5 {
		t.Errorf("an object with two labels has the keys %q, want two for each and one for all", few)
	}
}
