package target

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/utils/clock"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// aliases are a cache of AliasChecks which counts what is read of it.
type aliases struct {
	client.Reader
	byName map[client.ObjectKey]*v1alpha1.AliasCheck
	gets   map[client.ObjectKey]int
	listed int
}

func (a *aliases) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	a.gets[key]++
	found, ok := a.byName[key]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "aliaschecks"}, key.Name)
	}
	*object.(*v1alpha1.AliasCheck) = *found
	return nil
}

func (a *aliases) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	a.listed++
	asked := client.ListOptions{}
	asked.ApplyOptions(options)
	for _, alias := range a.byName {
		if alias.Namespace == asked.Namespace && asked.LabelSelector.Matches(labels.Set(alias.Labels)) {
			list.(*v1alpha1.AliasCheckList).Items = append(list.(*v1alpha1.AliasCheckList).Items, *alias)
		}
	}
	return nil
}

// references makes aliases of lines such as "a: b c", of which b and c are targets, or "a [x]: *x", of which a has the label x
// and selects the aliases with it.
func references(t *testing.T, lines ...string) *aliases {
	t.Helper()
	all := &aliases{byName: map[client.ObjectKey]*v1alpha1.AliasCheck{}, gets: map[client.ObjectKey]int{}}
	for _, line := range lines {
		name, targets, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("%q has no colon", line)
		}
		alias := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
		if name, label, labelled := strings.Cut(name, " ["); labelled {
			alias.Name, alias.Labels = name, map[string]string{strings.TrimSuffix(label, "]"): ""}
		} else {
			alias.Name = name
		}
		for _, target := range strings.Fields(targets) {
			if label, selects := strings.CutPrefix(target, "*"); selects {
				alias.Spec.Selector = &v1alpha1.Selector{
					Kinds: []v1alpha1.SelectorKind{v1alpha1.SelectAliasChecks}, MatchLabels: map[string]v1alpha1.LabelValue{label: ""},
				}
			} else {
				alias.Spec.Targets = append(alias.Spec.Targets, v1alpha1.TargetReference{Kind: "AliasCheck", Name: target})
			}
		}
		all.byName[client.ObjectKeyFromObject(alias)] = alias
	}
	return all
}

func (a *aliases) exploredFrom(t *testing.T, name string) *graph {
	t.Helper()
	from := &reading{Observer: &Observer{Client: a, Clock: clock.RealClock{}, FailingSince: neverFails}, alias: a.byName[client.ObjectKey{Namespace: "shop", Name: name}], kinds: &lease{}}
	explored, err := from.explore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return explored
}

func TestTheShortestRingIsSpelled(t *testing.T) {
	for name, c := range map[string]struct {
		lines   []string
		message string // empty where there is nothing wrong
	}{
		"none":                               {[]string{"a: b c", "b: c", "c: gone"}, ""},
		"itself":                             {[]string{"a: a"}, "the alias reaches itself: a → a"},
		"through another":                    {[]string{"a: x b", "b: a", "x:"}, "the alias reaches itself: a → b → a"},
		"the shorter of two":                 {[]string{"a: b c", "b: d", "d: a", "c: a"}, "the alias reaches itself: a → c → a"},
		"of two as short, the first by name": {[]string{"a: c b", "b: a", "c: a"}, "the alias reaches itself: a → b → a"},
		"its own before one that is nearer":  {[]string{"a: b c", "b: b", "c: d", "d: a"}, "the alias reaches itself: a → c → d → a"},
		"one that it is no part of":          {[]string{"a: b", "b: c", "c: d", "d: c"}, "the alias reaches a ring: a → b → c → d → c"},
		"the nearest such":                   {[]string{"a: b x", "b: c", "c: c", "x: x"}, "the alias reaches a ring: a → x → x"},
		"the shortest from there on":         {[]string{"a: b", "b: c d", "c: e", "e: b", "d: b"}, "the alias reaches a ring: a → b → d → b"},
		"two ways to one are no ring":        {[]string{"a: b c", "b: d", "c: d", "d:"}, ""},
		"its own selector leaves it out":     {[]string{"a [x]: *x", "b [x]:"}, ""},
		"a selector that selects one which leads back": {
			[]string{"a [y]: *x", "b [x]: a"}, "the alias reaches itself: a → b → a"},
		"two that select each other": {
			[]string{"a [x]: *x", "b [x]: *x"}, "the alias reaches itself: a → b → a"},
		"by selector and target mixed": {
			[]string{"a: b", "b: *x", "c [x]: d", "d: a"}, "the alias reaches itself: a → b → c → d → a"},
	} {
		t.Run(name, func(t *testing.T) {
			problem, _ := references(t, c.lines...).exploredFrom(t, "a").problem()
			if problem.Message != c.message {
				t.Errorf("got %q, want %q", problem.Message, c.message)
			}
			if c.message != "" && problem.Problem != v1alpha1.ReasonAliasCycle {
				t.Errorf("the reason is %s", problem.Problem)
			}
		})
	}
}

func TestARingAbroadIsSpelledWithItsNamespace(t *testing.T) {
	at := func(namespace, name string) *node {
		return &node{key: client.ObjectKey{Namespace: namespace, Name: name}}
	}
	if got := spelled([]*node{at("n", "a"), at("m", "a"), at("n", "a")}); got != "a → m/a → a" {
		t.Errorf("got %q", got)
	}
}

func TestAChainHasItsEnd(t *testing.T) {
	chain := func(length int, last string) (lines []string) {
		lines = []string{"a: c01"}
		for i := 1; i < length-1; i++ {
			lines = append(lines, fmt.Sprintf("c%02d: c%02d", i, i+1))
		}
		return append(lines, fmt.Sprintf("c%02d: %s", length-1, last))
	}
	for name, c := range map[string]struct {
		lines  []string
		reason string
	}{
		"sixteen":                 {chain(16, ""), ""},
		"seventeen":               {chain(17, ""), v1alpha1.ReasonAliasTooDeep},
		"three hundred":           {chain(300, ""), v1alpha1.ReasonAliasTooDeep},
		"a ring of twenty":        {chain(20, "a"), v1alpha1.ReasonAliasCycle},
		"a ring of three hundred": {chain(300, "a"), v1alpha1.ReasonAliasTooDeep},
	} {
		all := references(t, c.lines...)
		problem, _ := all.exploredFrom(t, "a").problem()
		if problem.Problem != c.reason {
			t.Errorf("%s: got %+v", name, problem)
		}
		if len(all.gets) > MaxWalk {
			t.Errorf("%s: %d aliases were read", name, len(all.gets))
		}
	}
}

// layers are aliases of so many levels, of which each refers to all sixteen of the next.
func layers(levels int) []string {
	lines := []string{"a:"}
	var last []string
	for level := range levels - 1 {
		var names []string
		for i := range 16 {
			names = append(names, fmt.Sprintf("l%02d-%02d", level, i))
		}
		if level == 0 {
			lines[0] += " " + strings.Join(names, " ")
		}
		for _, name := range last {
			lines = append(lines, name+": "+strings.Join(names, " "))
		}
		last = names
	}
	for _, name := range last {
		lines = append(lines, name+":")
	}
	return lines
}

// There are 16^15 ways through sixteen levels of sixteen.
func TestSixteenTargetsSixteenLevelsDeepAreReadOnceEach(t *testing.T) {
	all := references(t, layers(16)...)
	explored := all.exploredFrom(t, "a")
	if problem, bad := explored.problem(); bad {
		t.Errorf("sixteen levels are %s: %s", problem.Problem, problem.Message)
	}
	if want := 15 * 16; len(all.gets) != want {
		t.Errorf("%d aliases were read, want %d", len(all.gets), want)
	}
	for key, reads := range all.gets {
		if reads > 1 {
			t.Errorf("%s was read %d times", key.Name, reads)
		}
	}
	if want := 16 + 14*16*16; explored.references != want {
		t.Errorf("%d references were followed, want %d", explored.references, want)
	}
}

func TestALevelMoreIsTooDeepByTheLongestWay(t *testing.T) {
	longWay := func() []string {
		lines := []string{"a: z b01"}
		for i := range 15 {
			lines = append(lines, fmt.Sprintf("b%02d: b%02d", i+1, i+2))
		}
		return append(lines, "b16: z")
	}
	for name, lines := range map[string][]string{
		"seventeen levels":                      layers(17),
		"sixteen levels":                        layers(16),
		"a long way to where a short one leads": append(longWay(), "z:"),
	} {
		problem, bad := references(t, lines...).exploredFrom(t, "a").problem()
		if want := name != "sixteen levels"; bad != want || bad && problem.Problem != v1alpha1.ReasonAliasTooDeep {
			t.Errorf("%s: %t %+v", name, bad, problem)
		}
	}
}

// A namespace full of aliases that all select each other costs a bounded number of looks, and not their square.
func TestAliasesThatAllSelectEachOtherAreNotFollowedForEver(t *testing.T) {
	lines := []string{"a: s0000"}
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("s%04d [x]: *x", i))
	}
	all := references(t, lines...)
	explored := all.exploredFrom(t, "a")
	problem, _ := explored.problem()
	if problem.Problem != v1alpha1.ReasonAliasCycle {
		t.Errorf("got %+v", problem)
	}
	if explored.references > MaxReferences+1000 || all.listed > 100 {
		t.Errorf("%d references in %d lists", explored.references, all.listed)
	}
	ring := strings.Split(problem.Message, " → ")
	if !slices.Equal(ring[1:], []string{"s0000", "s0001", "s0000"}) {
		t.Errorf("it is spelled %q", problem.Message)
	}
}
