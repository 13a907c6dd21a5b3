package target

import (
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

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
