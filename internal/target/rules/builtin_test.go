package rules

import (
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxRules is what the API allows in a HealthRule.
const maxRules = 16

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)

func TestEveryBuiltInRuleIsOneThatAUserCouldWrite(t *testing.T) {
	for _, rule := range builtInRules(t) {
		t.Run(rule.Name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(rule.TypeMeta.APIVersion).To(Equal(v1alpha1.GroupVersion.String()))
			g.Expect(rule.TypeMeta.Kind).To(Equal("HealthRule"))
			g.Expect(rule.Spec.Rules).NotTo(BeEmpty())
			g.Expect(len(rule.Spec.Rules)).To(BeNumerically("<=", maxRules))
			g.Expect(func() { BuiltIn(kindOf(rule)) }).NotTo(Panic(), "it compiles")
			for i, one := range rule.Spec.Rules {
				g.Expect(one.State).To(BeElementOf(v1alpha1.StatePassing, v1alpha1.StateWarning, v1alpha1.StateCritical,
					v1alpha1.StateMaintenance, v1alpha1.StateUnknown), "rules[%d].state", i)
				// One without a reason has that of the condition which it asks for.
				if one.Reason == "" {
					g.Expect(one.When).To(ContainSubstring("c.type "), "rules[%d] has no reason, and asks for no condition", i)
				} else {
					g.Expect(one.Reason).To(MatchRegexp(camelCase.String()), "rules[%d].reason", i)
				}
				g.Expect(len(one.When)).To(BeNumerically("<=", 2048), "rules[%d].when", i)
				g.Expect(len(one.Message)).To(BeNumerically("<=", 2048), "rules[%d].message", i)
			}
		})
	}
}

func TestEveryKindHasItsRulesOnce(t *testing.T) {
	g := NewWithT(t)
	byKind, byName := map[schema.GroupKind]string{}, map[string]bool{}
	for _, rule := range builtInRules(t) {
		kind := kindOf(rule)
		g.Expect(byKind).NotTo(HaveKey(kind), "%s has rules already, in %s", kind, byKind[kind])
		g.Expect(byName).NotTo(HaveKey(rule.Name))
		byKind[kind], byName[rule.Name] = rule.Name, true
		if group := rule.Spec.Target.Group; group != "" {
			g.Expect(strings.HasSuffix(rule.Name, "."+group)).To(BeTrue(), "%s is named after its resource and group", rule.Name)
		}
	}
}

// goodWhenEmpty are the kinds whose controller says that all is well by saying nothing bad.
var goodWhenEmpty = map[string]bool{
	"nodereadinessrules.readiness.node.x-k8s.io": true, // an observed generation, and no failed node
	"targetgroupbindings.elbv2.k8s.aws":          true, // an observed generation is all that it reports
	"dnsendpoints.externaldns.k8s.io":            true, // the same
	"cronjobs.batch":                             true, // no run was due yet
	"imagestreams.image.openshift.io":            true, // no import that failed; one without tags imports nothing
}

// A rule of Passing that leans on what is absent would show an object as healthy that nobody has looked at. Kinds whose
// existence says all have the reason Exists or Static, so that nobody takes it for health that was seen.
func TestI5WhatSaysNothingIsNotPassing(t *testing.T) {
	for _, rule := range builtInRules(t) {
		if goodWhenEmpty[rule.Name] {
			continue
		}
		for name, status := range map[string]any{
			"no status":                 nil,
			"an empty status":           map[string]any{},
			"no conditions":             map[string]any{"conditions": []any{}},
			"an observed generation":    map[string]any{"observedGeneration": int64(1)},
			"conditions without status": map[string]any{"conditions": []any{map[string]any{"type": "Ready"}}},
		} {
			verdict := BuiltIn(kindOf(rule)).Evaluate(object(rule, status))
			if verdict.Reason != "Exists" && verdict.Reason != "Static" {
				NewWithT(t).Expect(verdict.State).NotTo(BeElementOf(v1alpha1.StatePassing, v1alpha1.StateWarning),
					"%s: %s, with %s", rule.Name, verdict.Reason, name)
			}
		}
	}
}

// A document is not read before its kind is needed, so that its kind is taken from one line of it.
func TestEachBuiltInRuleIsFoundByTheKindThatItIsFor(t *testing.T) {
	g := NewWithT(t)
	documents, err := documents()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(builtIn()).To(HaveLen(len(documents)), "two rules are for one kind")
	for _, document := range documents {
		rule, err := parse(document)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(targetOf(document)).To(Equal(kindOf(rule)), rule.Name)
	}
	written := 0
	for _, name := range builtInFiles(t) {
		content, err := files.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred())
		written += strings.Count(string(content), "kind: HealthRule\n")
	}
	g.Expect(documents).To(HaveLen(written), "documents that were not found in the files")
}

// A count of what is ready changes all through a rollout, and each change of a message is a write of a status.
func TestNoMessageCountsWhatIsReady(t *testing.T) {
	for _, rule := range builtInRules(t) {
		for i, one := range rule.Spec.Rules {
			NewWithT(t).Expect(one.Message).NotTo(MatchRegexp(`(?i)string\(object\.status\.\??[a-z.]*(ready|available|updated|current)`),
				"%s: rules[%d]", rule.Name, i)
		}
	}
}

func object(rule v1alpha1.HealthRule, status any) map[string]any {
	object := map[string]any{
		"apiVersion": rule.Spec.Target.Group + "/v1", "kind": rule.Spec.Target.Kind,
		"metadata": map[string]any{"name": "web", "generation": int64(1)}, "spec": map[string]any{},
	}
	if status != nil {
		object["status"] = status
	}
	return object
}

func builtInFiles(t *testing.T) (names []string) {
	t.Helper()
	entries, err := files.ReadDir(".")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func builtInRules(t *testing.T) []v1alpha1.HealthRule {
	t.Helper()
	all, err := BuiltInRules()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(all).NotTo(BeEmpty())
	return all
}

func kindOf(rule v1alpha1.HealthRule) schema.GroupKind {
	return schema.GroupKind{Group: rule.Spec.Target.Group, Kind: rule.Spec.Target.Kind}
}
