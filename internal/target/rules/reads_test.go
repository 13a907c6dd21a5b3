package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// paths are the fields of a tree, in order: a.b for all of it, a.b: for whether it is there, and how many entries it has.
func (f *Fields) paths(prefix string) []string {
	if f.whole {
		return []string{prefix}
	}
	if len(f.below) == 0 {
		return []string{prefix + ":"}
	}
	var all []string
	for name, below := range f.below {
		all = append(all, below.paths(strings.TrimPrefix(prefix+"."+name, "."))...)
	}
	slices.Sort(all)
	return all
}

func TestWhatAnExpressionReadsOfTheObject(t *testing.T) {
	for _, c := range []struct{ when, want string }{
		{"object.status.health == 'red'", "status.health"},
		{"has(object.status.phase) && object.spec.replicas > 0", "spec.replicas status.phase:"},
		{"object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
			"status.conditions.*.status status.conditions.*.type"},
		{"object.status.conditions.all(c, true)", "status.conditions.*:"},
		{"object.status.?conditions.orValue([]).exists(c, c.?reason.orValue('') == 'X')", "status.conditions.*.reason"},
		{"(object.status.a + object.status.b).exists(c, c.state == 'x')", "status.a.*.state status.b.*.state"},
		{"object.status.a.filter(c, c.on).exists(c, c.state == 'x')", "status.a.*.on status.a.*.state"},
		{"object.status.a.map(c, c.state).exists(s, s == 'x')", "status.a.*.state"},
		{"object.status.a[0].state == 'x'", "status.a.*.state"},
		{"object.status['a'].state == 'x'", "status.a.state"},
		{"object.status[object.spec.which].state == 'x'", "spec.which status"},
		{"size(object.status.a) > 0", "status.a"},
		{"object.status.?a.optMap(a, a.state == 'x').orValue(false)", "status.a.state"},
		{"object.status.a.exists(a, a.b.exists(b, b.state == a.wanted))", "status.a.*.b.*.state status.a.*.wanted"},
		{"object.status.exists(name, object.status[name] == 'x')", "status"},
		{"(has(object.status) ? object.status.a : object.spec.a) == 'x'", "spec.a status.a"},
		{"(object.spec.on ? object.status.a : object.spec.a) == 'x'", "spec.a spec.on status.a"},
		{"[object.status.a, object.status.b].exists(c, c.state == 'x')", "status.a.state status.b.state"},
		{"{'a': object.status.a}.a.state == 'x'", "status.a"},
		{"object.status.a.state.startsWith('x')", "status.a.state"},
		{"object == object.status", ""},
		{"'x' in object.metadata.annotations", "metadata.annotations"},
		{"object.metadata.annotations['example.com/paused'] == 'true'", "metadata.annotations.example.com/paused"},
		{"true", ":"},
	} {
		t.Run(c.when, func(t *testing.T) {
			set, err := Compile([]v1alpha1.Rule{{State: v1alpha1.StatePassing, When: c.when}})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(set.Fields().paths(""), " "); got != c.want {
				t.Errorf("it reads %q, want %q", got, c.want)
			}
		})
	}
}

func TestAMessageIsReadToo(t *testing.T) {
	set, err := Compile([]v1alpha1.Rule{{State: v1alpha1.StatePassing, When: "true", Message: "object.status.text"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(set.Fields().paths(""), " "); got != "status.text" {
		t.Errorf("it reads %q", got)
	}
}
