package tree

import (
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/aliascheck/aliascheck/internal/health"
)

// Impact is what hangs on an object.
type Impact struct {
	ID
	// Aliases rest on the object, nearest first.
	Aliases []*Node `json:"aliases"`
	// Pods have a gate that follows one of the aliases, or the object itself.
	Pods []GatedPod `json:"pods"`
}

// GatedPod is a gate of a pod.
type GatedPod struct {
	ID
	Alias string `json:"alias"`
	// Open says whether the condition of the gate is True.
	Open bool `json:"open"`
}

// Impact finds the aliases that follow an object at any depth, and the pods that follow those.
func (g *Graph) Impact(id ID) Impact {
	above := g.reverse()
	impact := Impact{ID: id, Aliases: []*Node{}, Pods: []GatedPod{}}
	seen := map[ID]bool{id: true}
	for level := []ID{id}; len(level) > 0; {
		var next []ID
		for _, below := range level {
			for _, parent := range above[below] {
				if seen[parent] {
					continue
				}
				seen[parent] = true
				next = append(next, parent)
				if parent.Kind == KindAliasCheck {
					impact.Aliases = append(impact.Aliases, g.Leaf(parent))
				}
			}
		}
		slices.SortFunc(next, compareIDs)
		level = next
	}
	impact.Pods = g.podsOf(seen)
	return impact
}

// reverse says of each object what rests on it directly.
func (g *Graph) reverse() map[ID][]ID {
	above := map[ID][]ID{}
	add := func(below, parent ID) {
		if !slices.Contains(above[below], parent) {
			above[below] = append(above[below], parent)
		}
	}
	for id := range g.Alias {
		for _, child := range g.restsOn(id, id.Namespace) {
			add(child, id)
			for _, check := range g.restsOn(child, id.Namespace) {
				if child.Kind == KindService || child.Kind == KindNode {
					add(check, id)
				}
			}
		}
	}
	for _, parents := range above {
		slices.SortFunc(parents, compareIDs)
	}
	return above
}

func (g *Graph) podsOf(aliases map[ID]bool) []GatedPod {
	pods := []GatedPod{}
	for id, pod := range g.Pods {
		for _, name := range gatesOf(pod) {
			if aliases[ID{KindAliasCheck, id.Namespace, name}] {
				c := gateCondition(pod, name)
				pods = append(pods, GatedPod{ID: id, Alias: name, Open: c != nil && c.Status == corev1.ConditionTrue})
			}
		}
	}
	slices.SortFunc(pods, func(a, b GatedPod) int { return compareIDs(a.ID, b.ID) })
	return pods
}

// PrintImpact writes what follows an object as a table, for a reader in a namespace.
func PrintImpact(out io.Writer, impact Impact, namespace string, now time.Time) error {
	if len(impact.Aliases) == 0 && len(impact.Pods) == 0 {
		fmt.Fprintf(out, "Nothing follows %s.\n", impact.From(namespace))
		return nil
	}
	table := newTable(out)
	fmt.Fprintln(table, "FOLLOWS\tSTATE\tREASON\tSINCE")
	for _, n := range impact.Aliases {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", health.OneLine(n.From(namespace)), OrDash(string(n.State)), OrDash(n.Reason), OrDash(since(n, now)))
	}
	for _, pod := range impact.Pods {
		gate := "gate closed"
		if pod.Open {
			gate = "gate open"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t\n", health.OneLine(pod.From(namespace)), gate, "by "+health.OneLine(pod.Alias))
	}
	return table.Flush()
}
