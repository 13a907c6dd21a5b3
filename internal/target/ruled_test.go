package target

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

func ruleFor(kind, when, accepted string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "it"},
		"spec": map[string]any{
			"target": map[string]any{"group": "test.example", "kind": kind}, "rules": []any{map[string]any{"when": when}},
		},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Accepted", "status": accepted}}},
	}}
}

// There may be thousands of aliases of other kinds, and each would be evaluated again.
func TestAChangeOfAHealthRuleWakesTheAliasesOfItsKindAlone(t *testing.T) {
	watches, err := NewWatches(WatchesOptions{Config: &rest.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	var woken []string
	watches.locked.notify = func(event Event) {
		for _, user := range event.Users {
			woken = append(woken, user.Name)
		}
	}
	widget := schema.GroupVersionKind{Group: "test.example", Version: "v1", Kind: "Widget"}
	for alias, kinds := range map[string][]schema.GroupVersionKind{
		"widget":          {widget, ruleVersion},
		"old-widget":      {widget.GroupKind().WithVersion("v1beta1"), ruleVersion},
		"widget-by-rules": {widget},
		"gadget":          {widget.GroupVersion().WithKind("Gadget"), ruleVersion},
	} {
		lease := watches.lease(types.NamespacedName{Name: alias})
		for _, kind := range kinds {
			lease.need(kind)
		}
	}
	widgets, gadgets := ruleFor("Widget", "true", "True"), ruleFor("Gadget", "true", "True")
	for _, c := range []struct {
		change        string
		before, after *unstructured.Unstructured
		want          []string
	}{
		{"comes", nil, widgets, []string{"old-widget", "widget"}},
		{"goes", widgets, nil, []string{"old-widget", "widget"}},
		{"is edited", widgets, ruleFor("Widget", "false", "True"), []string{"old-widget", "widget"}},
		{"is for another kind now", widgets, gadgets, []string{"gadget", "old-widget", "widget"}},
		{"is judged", widgets, ruleFor("Widget", "true", "False"), nil},
		{"comes, for a kind that no alias has", nil, ruleFor("Gizmo", "true", "True"), nil},
	} {
		woken = nil
		watches.locked.kinds[ruleVersion].changed(orNothing(c.before), orNothing(c.after))
		slices.Sort(woken)
		if !slices.Equal(woken, c.want) {
			t.Errorf("a HealthRule %s: %v are woken, want %v", c.change, woken, c.want)
		}
	}
}

func orNothing(object *unstructured.Unstructured) any {
	if object == nil {
		return nil
	}
	return object
}
