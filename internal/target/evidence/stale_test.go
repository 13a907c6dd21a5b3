package evidence

import (
	"reflect"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

const (
	asksLinked    = "object.status.conditions.exists(c, c.type == 'Linked' && c.status == 'True')"
	asksBoth      = asksLinked + " && object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"
	asksEither    = "object.status.conditions.exists(c, c.type in ['Linked', 'Ready'] && c.status == 'True')"
	asksHealth    = "object.status.health == 'green'"
	asksNotBroken = "!object.status.conditions.exists(c, c.type == 'Broken' && c.status == 'True')"
	asksUnbroken  = "object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True') && " + asksNotBroken
	asksPhase     = "object.status.phase == 'Ready' && " + asksNotBroken
	asksNoFalse   = "!object.status.conditions.exists(c, c.status == 'False')"
	asksParents   = "object.status.parents.all(p, p.conditions.exists(c, c.type == 'Accepted' && c.status == 'True'))"
)

// The objects are of generation 3.
func TestARuleOfPassingHoldsForThisGenerationOnly(t *testing.T) {
	for _, c := range []struct {
		fact, when, status string
		state              v1alpha1.State
	}{
		{"the condition that it asks for is older, and Ready is not", asksLinked,
			`{type: Ready, status: "True", observedGeneration: 3}, {type: Linked, status: "True", observedGeneration: 2}]`, warning},
		{"the condition that it asks for is of this one, and Ready is older", asksLinked,
			`{type: Ready, status: "True", observedGeneration: 2}, {type: Linked, status: "True", observedGeneration: 3}]`, passing},
		{"the condition that it asks for has no generation, and the status an older", asksLinked,
			`{type: Ready, status: "True", observedGeneration: 3}, {type: Linked, status: "True"}], observedGeneration: 2`, warning},
		{"the condition that it asks for has this one, and the status an older", asksLinked,
			`{type: Linked, status: "True", observedGeneration: 3}], observedGeneration: 2`, passing},
		{"the condition that it asks for has no generation, nor has the status, and Ready is older", asksLinked,
			`{type: Ready, status: "True", observedGeneration: 2}, {type: Linked, status: "True"}]`, warning},
		{"nothing has a generation", asksLinked, `{type: Linked, status: "True"}]`, passing},
		{"one of two that it asks for is older", asksBoth,
			`{type: Ready, status: "True", observedGeneration: 3}, {type: Linked, status: "True", observedGeneration: 2}]`, warning},
		{"one of two is older, and either will do", asksEither,
			`{type: Ready, status: "True", observedGeneration: 3}, {type: Linked, status: "True", observedGeneration: 2}]`, passing},
		{"both are older, and either will do", asksEither,
			`{type: Ready, status: "True", observedGeneration: 2}, {type: Linked, status: "True", observedGeneration: 2}]`, warning},

		{"a field of a status of an older generation, and Ready of this one", asksHealth,
			`{type: Ready, status: "True", observedGeneration: 3}], health: green, observedGeneration: 2`, warning},
		{"a field of a status of this generation, and Ready of an older", asksHealth,
			`{type: Ready, status: "True", observedGeneration: 2}], health: green, observedGeneration: 3`, passing},
		{"a field of a status without a generation, and Ready of an older", asksHealth,
			`{type: Ready, status: "True", observedGeneration: 2}], health: green`, warning},
		{"a field of a status without a generation", asksHealth, `{type: Ready, status: "True"}], health: green`, passing},
		{"a field of a status with the generation of no report", asksHealth, `], health: green, observedGeneration: -1`, passing},
		{"a field, and a condition of an older generation", asksLinked + " && " + asksHealth,
			`{type: Linked, status: "True", observedGeneration: 2}], health: green, observedGeneration: 3`, warning},
		{"a condition of this generation, and a field of an older", asksLinked + " && " + asksHealth,
			`{type: Linked, status: "True", observedGeneration: 3}], health: green, observedGeneration: 2`, warning},
		{"a word that is also the type of a condition of this generation", asksPhase,
			`{type: Ready, status: "True", observedGeneration: 3}], phase: Ready, observedGeneration: 2`, warning},
		{"a word of this generation, and nothing bad of an older", asksPhase,
			`{type: Broken, status: "False", observedGeneration: 2}], phase: Ready, observedGeneration: 3`, passing},

		{"good of this generation, and nothing bad of an older", asksUnbroken,
			`{type: Ready, status: "True", observedGeneration: 3}, {type: Broken, status: "False", observedGeneration: 2}]`, passing},
		{"nothing but that nothing was bad in an older one", asksNotBroken,
			`{type: Ready, status: "True", observedGeneration: 3}, {type: Broken, status: "False", observedGeneration: 2}]`, warning},
		{"nothing but that nothing is bad in this one", asksNotBroken,
			`{type: Ready, status: "True", observedGeneration: 2}, {type: Broken, status: "False", observedGeneration: 3}]`, passing},
		{"no condition is bad, whatever it is, and one is older", asksNoFalse,
			`{type: Ready, status: "True", observedGeneration: 3}, {type: Linked, status: "True", observedGeneration: 2}]`, warning},

		{"a condition of a part that is older", asksParents,
			`], parents: [{conditions: [{type: Accepted, status: "True", observedGeneration: 3}]},
			{conditions: [{type: Accepted, status: "True", observedGeneration: 2}]}]`, warning},
		{"conditions of parts of this generation, in a status of an older", asksParents,
			`], parents: [{conditions: [{type: Accepted, status: "True", observedGeneration: 3}]}], observedGeneration: 2`, passing},
		{"it asks for the generation itself", "object.status.observedGeneration >= 2",
			`{type: Linked, status: "True", observedGeneration: 3}], observedGeneration: 2`, warning},
		{"it asks for the generation itself, and a condition is older", "object.status.observedGeneration >= 2",
			`{type: Linked, status: "True", observedGeneration: 2}], observedGeneration: 3`, passing},
	} {
		t.Run(c.fact, func(t *testing.T) {
			set, err := rules.Compile([]v1alpha1.Rule{{State: passing, When: c.when, Reason: "Fine"}})
			if err != nil {
				t.Fatal(err)
			}
			object := ofStatus(t, "conditions: ["+c.status)
			before := object.DeepCopy()
			stripped := widget(t, "")
			stripped.Object = set.Kept().Union(rules.FieldsOf([]string{"kind"}, []string{"metadata"}, []string{"status", "conditions"},
				[]string{"status", "observedGeneration"})).Keep(object.Object).(map[string]any)
			reason := map[v1alpha1.State]string{passing: "Fine", warning: "InProgress"}[c.state]
			if f := Of(object, set); f.State != c.state || f.Reason != reason {
				t.Errorf("got %q %s %q, want %q %s", f.State, f.Reason, f.Message, c.state, reason)
			}
			if f := Of(stripped, set); f.State != c.state {
				t.Errorf("of what is kept of it: got %q %s %q, want %q", f.State, f.Reason, f.Message, c.state)
			}
			if !reflect.DeepEqual(object, before) {
				t.Error("the object was changed")
			}
		})
	}
}

func TestOtherStatesThanPassingMayBeOlder(t *testing.T) {
	set, err := rules.Compile([]v1alpha1.Rule{{State: critical, When: asksLinked}})
	if err != nil {
		t.Fatal(err)
	}
	f := Of(ofStatus(t, `conditions: [{type: Linked, status: "True", observedGeneration: 2}]`), set)
	if f.State != critical {
		t.Errorf("got %q %s", f.State, f.Reason)
	}
}
