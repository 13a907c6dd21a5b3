package target

import (
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func TestTheTextOfARollUpIsPassedOnOnlyWhereAllOfItIsItsOwn(t *testing.T) {
	const said, lean = "1 of 2 checks is Critical: HealthCheck a; 1 is Warning: HealthCheck bank/b (429)", "AliasCheck shop/db is Critical (CriticalChecks)"
	own := v1alpha1.TargetReference{Kind: "HealthCheck", Name: "a"}
	for name, c := range map[string]struct {
		targets  []v1alpha1.TargetReference
		selector *v1alpha1.Selector
		message  string
	}{
		"of its own checks":                        {[]v1alpha1.TargetReference{own, {Kind: "Service", Name: "b"}}, nil, said},
		"of one of a third":                        {[]v1alpha1.TargetReference{own, {Kind: "HealthCheck", Name: "b", Namespace: "bank"}}, nil, lean},
		"of an alias, whose text may be a third's": {[]v1alpha1.TargetReference{own, {Kind: "AliasCheck", Name: "b"}}, nil, lean},
		"that selects checks":                      {nil, &v1alpha1.Selector{}, said},
		"that selects aliases":                     {nil, &v1alpha1.Selector{Kinds: []v1alpha1.SelectorKind{v1alpha1.SelectAliasChecks}}, lean},
	} {
		t.Run(name, func(t *testing.T) {
			next := &v1alpha1.AliasCheck{}
			next.Namespace, next.Name = "shop", "db"
			next.Spec.Targets, next.Spec.Selector = c.targets, c.selector
			next.Status.Culprit = &v1alpha1.Culprit{Kind: "HealthCheck", Name: "a", Namespace: "shop"}
			member := health.Member{Kind: "AliasCheck", Namespace: "shop", Name: "db", State: v1alpha1.StateCritical,
				Reason: "CriticalChecks", Message: said, Deeper: next.Status.Culprit}
			got := discreet(Reference{Namespace: "shop", Name: "db", Home: "front"}, member, next)
			if got.Message != c.message || got.Deeper == nil {
				t.Errorf("it is %q with the culprit %+v, want %q", got.Message, got.Deeper, c.message)
			}
		})
	}
}

// A maintenance of all that a roll-up counts has no culprit, like one that its owner announces, and other authors.
func TestOnlyTheMaintenanceThatItsOwnerAnnouncesIsPassedOnInWords(t *testing.T) {
	for announced, want := range map[bool]string{true: "disk", false: "AliasCheck shop/db is Maintenance (MaintenanceChecks)"} {
		next := &v1alpha1.AliasCheck{}
		next.Namespace, next.Name = "shop", "db"
		if announced {
			next.Annotations = map[string]string{v1alpha1.AnnotationMaintenance: "disk"}
		}
		member := health.Member{State: v1alpha1.StateMaintenance, Reason: "MaintenanceChecks", Message: "disk"}
		if got := discreet(Reference{Namespace: "shop", Name: "db", Home: "front"}, member, next); got.Message != want {
			t.Errorf("announced by its owner: %t; it is %q, want %q", announced, got.Message, want)
		}
	}
}

func TestAnAliasOfAnotherNamespaceIsToldWithoutTheTextOfThirdOnes(t *testing.T) {
	const said, lean = "GET http://10.0.0.7/token: 503", "AliasCheck shop/db is Critical (ProbeFailed)"
	for name, c := range map[string]struct {
		home, culprit string
		message       string
		told          bool
	}{
		"of the same namespace":                 {"shop", "bank", said, true},
		"decided by an object of its own":       {"front", "shop", said, true},
		"decided by a Node":                     {"front", "", said, true},
		"decided by an object of a third":       {"front", "bank", lean, false},
		"decided by an object of the reader's":  {"front", "front", lean, false},
		"decided by nothing that can be blamed": {"front", "none", lean, false},
	} {
		t.Run(name, func(t *testing.T) {
			next := &v1alpha1.AliasCheck{}
			next.Namespace, next.Name = "shop", "db"
			if c.culprit != "none" {
				next.Status.Culprit = &v1alpha1.Culprit{Kind: "HealthCheck", Name: "c", Namespace: c.culprit}
			}
			member := health.Member{Kind: "AliasCheck", Namespace: "shop", Name: "db", State: v1alpha1.StateCritical,
				Reason: "ProbeFailed", Message: said, Deeper: next.Status.Culprit}
			got := discreet(Reference{Namespace: "shop", Name: "db", Home: c.home}, member, next)
			if got.Message != c.message || got.State != member.State || got.Reason != member.Reason {
				t.Errorf("it is %+v, want the message %q", got, c.message)
			}
			if kept := got.Deeper != nil; kept != (c.told && c.culprit != "none") {
				t.Errorf("the culprit is %+v", got.Deeper)
			}
		})
	}
}
