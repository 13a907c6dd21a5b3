package tree

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target"
)

// Graph says what rests on what: an alias on its targets, a Service and a Node on the checks that count towards them.
type Graph struct {
	*World
	byService map[ID][]ID
	byNode    map[ID][]ID // the namespace is that of the checks: a Node counts those of the alias's namespace
	selected  map[string][]ID
}

// NewGraph makes the indexes of a world.
func NewGraph(w *World) *Graph {
	g := &Graph{World: w, byService: map[ID][]ID{}, byNode: map[ID][]ID{}, selected: map[string][]ID{}}
	for id, check := range w.Checks {
		if ref := check.Spec.ServiceRef; ref != nil {
			service := ID{KindService, id.Namespace, ref.Name}
			g.byService[service] = append(g.byService[service], id)
		}
		if name := check.Spec.NodeName; name != "" {
			node := ID{KindNode, id.Namespace, name}
			g.byNode[node] = append(g.byNode[node], id)
		}
		g.selected[id.Namespace] = append(g.selected[id.Namespace], id)
	}
	for id := range w.Alias {
		g.selected[id.Namespace] = append(g.selected[id.Namespace], id)
	}
	for _, index := range []map[ID][]ID{g.byService, g.byNode} {
		for _, ids := range index {
			slices.SortFunc(ids, compareIDs)
		}
	}
	for _, ids := range g.selected {
		slices.SortFunc(ids, compareIDs)
	}
	return g
}

// restsOn are the objects that decide the state of one, seen from the namespace of the alias that leads to it.
func (g *Graph) restsOn(id ID, home string) []ID {
	switch id.Kind {
	case KindAliasCheck:
		if alias, found := g.Alias[id]; found {
			return g.targetsOf(alias)
		}
	case KindService:
		return g.byService[id]
	case KindNode:
		return g.byNode[ID{KindNode, home, id.Name}]
	}
	return nil
}

func (g *Graph) targetsOf(alias *v1alpha1.AliasCheck) []ID {
	if alias.Spec.Selector != nil {
		return g.selectedBy(alias)
	}
	var ids []ID
	for _, ref := range target.ReferencesOf(alias) {
		ids = append(ids, ID{ref.Kind, ref.Namespace, ref.Name})
	}
	return ids
}

func (g *Graph) selectedBy(alias *v1alpha1.AliasCheck) []ID {
	var ids []ID
	for _, id := range g.selected[alias.Namespace] {
		if target.Selects(alias, v1alpha1.SelectorKind(id.Kind), g.Check(id)) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Check is a HealthCheck or an AliasCheck; nil for anything else.
func (g *Graph) Check(id ID) v1alpha1.Check {
	if check, found := g.Checks[id]; found {
		return check
	}
	if alias, found := g.Alias[id]; found {
		return alias
	}
	return nil
}

// Node is one object in a tree, with what it rests on below it.
type Node struct {
	ID
	State   v1alpha1.State `json:"state,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Message string         `json:"message,omitempty"`
	// Since is when the state was taken; absent where nobody says so.
	Since *metav1.Time `json:"since,omitempty"`
	// Missing says that a check of this name does not exist.
	Missing bool `json:"missing,omitempty"`
	// Ring says that the path from the root comes back to this object here.
	Ring bool `json:"ring,omitempty"`
	// Above says that the object stands further up with all that it rests on.
	Above bool `json:"above,omitempty"`
	// Culprit says that the object decided the state of the root.
	Culprit    bool               `json:"culprit,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	Children   []*Node            `json:"children,omitempty"`
}

// Tree is an alias, or any other object, with all that it rests on. An object that several rest on is expanded once, so
// that a tree is never larger than the graph.
func (g *Graph) Tree(root ID) *Node {
	b := treeBuilder{graph: g, expanded: map[ID]bool{}, path: map[ID]bool{}}
	if alias, found := g.Alias[root]; found {
		b.culprit = culpritOf(alias)
	}
	return b.node(root, root.Namespace)
}

type treeBuilder struct {
	graph          *Graph
	culprit        ID
	expanded, path map[ID]bool
}

func (b *treeBuilder) node(id ID, home string) *Node {
	n := b.graph.Leaf(id)
	n.Culprit = id == b.culprit
	switch {
	case b.path[id]:
		n.Ring = true
		return n
	case b.expanded[id]:
		n.Above = true
		return n
	}
	b.expanded[id], b.path[id] = true, true
	defer delete(b.path, id)
	if id.Kind == KindAliasCheck {
		home = id.Namespace
	}
	for _, child := range b.graph.restsOn(id, home) {
		n.Children = append(n.Children, b.node(child, home))
	}
	b.graph.tellUnseen(n)
	return n
}

// Leaf is an object as it shows itself.
func (g *Graph) Leaf(id ID) *Node {
	n := &Node{ID: id}
	check := g.Check(id)
	if check == nil {
		n.Missing = id.Kind == KindHealthCheck || id.Kind == KindAliasCheck
		return n
	}
	status := check.CommonStatus()
	n.State, n.Reason, n.Message = health.Known(status.State), status.Reason, status.Message
	n.Since, n.Conditions = status.LastTransitionTime, status.Conditions
	return n
}

// tellUnseen gives the only target of an alias, where it is no check, the state that the alias shows for it: nothing
// else has been read of it.
func (g *Graph) tellUnseen(n *Node) {
	alias, found := g.Alias[n.ID]
	if !found || alias.Spec.TargetRef == nil || len(n.Children) != 1 {
		return
	}
	child := n.Children[0]
	if g.Check(child.ID) != nil || child.Missing {
		return
	}
	child.State, child.Reason, child.Message, child.Since = n.State, n.Reason, n.Message, n.Since
	child.Missing = n.Reason == v1alpha1.ReasonTargetNotFound || n.Reason == v1alpha1.ReasonKindNotInstalled
}

func culpritOf(alias *v1alpha1.AliasCheck) ID {
	c := alias.Status.Culprit
	if c == nil {
		return ID{}
	}
	return ID{c.Kind, c.Namespace, c.Name}
}

// Roots are the aliases of a namespace, or of all, that no other alias rests on. If no root leads to a ring of aliases, all of
// them are roots, so that none is left out.
func (g *Graph) Roots(namespace string, selector labels.Selector) []ID {
	under := map[ID]bool{}
	for id := range g.Alias {
		for below := range g.Below(id) {
			under[below] = true
		}
	}
	reached := map[ID]bool{}
	var roots, rest []ID
	for id, alias := range g.Alias {
		switch {
		case namespace != "" && id.Namespace != namespace, !selector.Matches(labels.Set(alias.Labels)):
		case !under[id]:
			roots = append(roots, id)
			for below := range g.Below(id) {
				reached[below] = true
			}
		default:
			rest = append(rest, id)
		}
	}
	for _, id := range rest {
		if !reached[id] {
			roots = append(roots, id)
		}
	}
	slices.SortFunc(roots, g.WorstFirst)
	return roots
}

// Below are all that an object rests on, at any depth.
func (g *Graph) Below(id ID) map[ID]bool {
	seen := map[ID]bool{}
	todo := g.restsOn(id, id.Namespace)
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if seen[next] {
			continue
		}
		seen[next] = true
		todo = append(todo, g.restsOn(next, id.Namespace)...)
	}
	return seen
}

// WorstFirst orders objects by their states, worst first, and then by their names.
func (g *Graph) WorstFirst(a, b ID) int {
	sa, sb := g.Leaf(a).State, g.Leaf(b).State
	switch {
	case health.Worse(sa, sb):
		return -1
	case health.Worse(sb, sa):
		return 1
	default:
		return compareIDs(a, b)
	}
}

// since is how long ago a state was taken, as kubectl writes ages; empty if nothing says so.
func since(n *Node, now time.Time) string {
	if n.Since == nil {
		return ""
	}
	return Age(now.Sub(n.Since.Time))
}
