package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// A Widget says in a word of its own how it is, which nobody understands without a rule. No other test has any.
var widgetKind = schema.GroupVersionKind{Group: "faults.example", Version: "v1", Kind: "Widget"}

// levels are the words of Widgets; no rule names the last.
var levels = []string{"red", "yellow", "green", "blue"}

// brokenExpression does not compile.
const brokenExpression = "object.status."

// ruleLists are what HealthRules and aliases may say of Widgets.
var ruleLists = [][]v1alpha1.Rule{
	{onLevel("red", v1alpha1.StateCritical, "Red"), onLevel("yellow", v1alpha1.StateWarning, "Yellow"), onLevel("green", v1alpha1.StatePassing, "Green")},
	{onLevel("green", v1alpha1.StateUnknown, "Unripe"), onLevel("red", v1alpha1.StatePassing, "Ripe")},
}

func onLevel(level string, state v1alpha1.State, reason string) v1alpha1.Rule {
	return v1alpha1.Rule{State: state, When: "object.status.level == '" + level + "'", Reason: reason}
}

// install makes a CRD that takes objects of a kind as they are.
func (r *rig) install(kind schema.GroupVersionKind) {
	r.t.Helper()
	plural := strings.ToLower(kind.Kind) + "s"
	crd := &unstructured.Unstructured{}
	r.Expect(crd.UnmarshalJSON(fmt.Appendf(nil, `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": {"name": "%[1]s.%[2]s"}, "spec": {"group": %[2]q, "scope": "Namespaced",
		"names": {"plural": %[1]q, "kind": %[3]q}, "versions": [{"name": %[4]q, "served": true, "storage": true,
		"schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}`,
		plural, kind.Group, kind.Kind, kind.Version))).To(Succeed())
	r.Expect(client.IgnoreAlreadyExists(direct.Create(r.ctx, crd))).To(Succeed())
	objects := &unstructured.UnstructuredList{}
	objects.SetGroupVersionKind(kind)
	r.Eventually(func() error { return direct.List(r.ctx, objects, client.InNamespace(r.namespace)) }).Should(Succeed())
}

// ruledGauge is an object that stays as it is, of a kind of this rig's own, whose HealthRule is edited.
func (r *rig) ruledGauge() (healthy, sick func(), reference v1alpha1.TargetReference) {
	kind := schema.GroupVersionKind{Group: r.namespace + ".example", Version: "v1", Kind: "Gauge"}
	r.install(kind)
	gauge := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"level": "red"}}}
	gauge.SetGroupVersionKind(kind)
	gauge.SetNamespace(r.namespace)
	gauge.SetName("gauge")
	rule := &v1alpha1.HealthRule{ObjectMeta: metav1.ObjectMeta{Name: r.namespace}}
	rule.Spec.Target = v1alpha1.HealthRuleTarget{Group: kind.Group, Kind: kind.Kind}
	rule.Spec.Rules = []v1alpha1.Rule{onLevel("red", v1alpha1.StatePassing, "Red")}
	r.create(gauge, rule)
	says := func(state v1alpha1.State) func() {
		return func() {
			patch := client.RawPatch(types.JSONPatchType, fmt.Appendf(nil, `[{"op":"replace","path":"/spec/rules/0/state","value":%q}]`, state))
			r.Expect(direct.Patch(r.ctx, rule.DeepCopy(), patch)).To(Succeed())
		}
	}
	return says(v1alpha1.StatePassing), says(v1alpha1.StateCritical),
		v1alpha1.TargetReference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: gauge.GetName()}
}

func (w *workload) widget() *unstructured.Unstructured {
	widget := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"level": w.level()}}}
	widget.SetGroupVersionKind(widgetKind)
	widget.SetNamespace(w.somewhere())
	widget.SetName(w.pick("widget"))
	return widget
}

func (w *workload) level() string { return levels[w.random.IntN(len(levels))] }

func (w *workload) paint() { w.change(w.widget(), fmt.Sprintf(`{"status":{"level":%q}}`, w.level())) }

// healthRule is for Widgets for the most part, and does not compile sometimes.
func (w *workload) healthRule() *v1alpha1.HealthRule {
	rule := &v1alpha1.HealthRule{ObjectMeta: metav1.ObjectMeta{Name: w.pick("rule")}}
	rule.Spec.Target = v1alpha1.HealthRuleTarget{Group: widgetKind.Group, Kind: widgetKind.Kind}
	if w.oneIn(5) {
		rule.Spec.Target.Kind = "Gadget"
	}
	rule.Spec.Rules = slices.Clone(ruleLists[w.random.IntN(len(ruleLists))])
	if w.oneIn(4) {
		rule.Spec.Rules[0].When = brokenExpression
	}
	return rule
}

// widgetAsTarget is a Widget by the rules of the alias, or else of the HealthRule that is in force.
func (w *world) widgetAsTarget(widget unstructured.Unstructured, spec v1alpha1.AliasCheckSpec) shown {
	itself := called("Widget", &widget)
	if w.annotated(&widget) {
		return maintained(itself)
	}
	list := spec.TargetRef.Health
	if len(list) == 0 {
		list = w.inForce(widgetKind.Kind).Spec.Rules
	}
	level, _, _ := unstructured.NestedString(widget.Object, "status", "level")
	for _, rule := range list {
		if strings.Contains(rule.When, "'"+level+"'") {
			return shown{state: rule.State, reason: rule.Reason, culprit: itself}
		}
	}
	return shown{state: spec.WhenUnreported, reason: "NoVerdict", culprit: itself}
}

// inForce is the oldest HealthRule of a kind of those that compile; an empty one where there is none.
func (w *world) inForce(kind string) v1alpha1.HealthRule {
	for _, rule := range w.rules {
		if rule.Spec.Target.Kind == kind && !broken(rule) {
			return rule
		}
	}
	return v1alpha1.HealthRule{}
}

func broken(rule v1alpha1.HealthRule) bool { return rule.Spec.Rules[0].When == brokenExpression }

// readRules reads the HealthRules of Widgets and Gadgets, the oldest first: others are of tests beside this one.
func (w *world) readRules(r *rig) {
	var list v1alpha1.HealthRuleList
	r.Expect(direct.List(r.ctx, &list)).To(Succeed())
	own := slices.DeleteFunc(list.Items, func(rule v1alpha1.HealthRule) bool { return rule.Spec.Target.Group != widgetKind.Group })
	w.rules = slices.SortedFunc(slices.Values(own), func(a, b v1alpha1.HealthRule) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
}

// misjudged are the HealthRules whose condition is not what it must be.
func (w *world) misjudged() (wrong []string) {
	for _, rule := range w.rules {
		want := "True Accepted"
		switch {
		case broken(rule):
			want = "False InvalidExpression"
		case w.inForce(rule.Spec.Target.Kind).Name != rule.Name:
			want = "False Conflict"
		}
		got := "nothing"
		if c := meta.FindStatusCondition(rule.Status.Conditions, v1alpha1.ConditionAccepted); c != nil {
			got = fmt.Sprintf("%s %s", c.Status, c.Reason)
		}
		if got != want || rule.Status.ObservedGeneration != rule.Generation {
			wrong = append(wrong, fmt.Sprintf("HealthRule %s says %s of generation %d of %d, and must say %s",
				rule.Name, got, rule.Status.ObservedGeneration, rule.Generation, want))
		}
	}
	return wrong
}
