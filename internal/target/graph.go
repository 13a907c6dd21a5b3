package target

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

const (
	// MaxWalk bounds how many aliases after one another are followed. It is more than the longest chain that is allowed,
	// so that a ring can be distinguished from a chain that is merely too deep; a ring of more aliases than this is shown as
	// AliasTooDeep.
	MaxWalk = 16 * v1alpha1.MaxAliasDepth
	// MaxReferences bounds how many references from alias to alias are followed, for one alias or for one edge: what a
	// namespace full of aliases that select each other costs is its own problem, and no one else's.
	MaxReferences = 1 << 16
)

// graph is what an alias reaches of other aliases, by any of its targets and selectors, as far as consent goes. Each alias
// is read once, however many ways lead to it.
type graph struct {
	found map[types.NamespacedName]*node
	// order is the nodes breadth first, so that the first way that is found to a node is a shortest one. Those that one
	// alias refers to are in the order of their names, so that it is always the same one.
	order []*node
	// ring is the shortest way from the alias back to it; nil if no way leads back.
	ring []*node
	// endless says that there is more than is followed.
	endless    bool
	references int
}

// node is one alias of a graph.
type node struct {
	key   types.NamespacedName
	alias *v1alpha1.AliasCheck
	next  []*node
	from  *node // which it was first found from
	level int   // how far it is from the start

	// depth is how many aliases the longest way from here has; without a meaning if that leads to a ring.
	depth int
	// inRing says that a way leads from here back to here.
	inRing bool
	search visit
}

func newGraph(alias *v1alpha1.AliasCheck) *graph {
	start := &node{key: client.ObjectKeyFromObject(alias), alias: alias}
	return &graph{found: map[types.NamespacedName]*node{start.key: start}, order: []*node{start}}
}

func (g *graph) start() *node { return g.order[0] }

// refersToAliases reports whether an alias can be part of a chain at all.
func refersToAliases(alias *v1alpha1.AliasCheck) bool {
	return selectsKind(alias, v1alpha1.SelectAliasChecks) || slices.ContainsFunc(ReferencesOf(alias), Reference.toAlias)
}

// explore follows all references from the alias on, and stops at once where one leads back to it.
func (r *reading) explore(ctx context.Context) (*graph, error) {
	g := newGraph(r.alias)
	for i := 0; i < len(g.order) && g.ring == nil; i++ {
		at := g.order[i]
		if !refersToAliases(at.alias) {
			continue
		}
		if at.level >= MaxWalk || g.references > MaxReferences {
			g.endless = true
			break
		}
		next, err := r.nextAliases(ctx, g, at.alias)
		if err != nil {
			return nil, err
		}
		g.follow(at, next)
	}
	if g.ring == nil {
		g.search(g.start(), &path{})
	}
	return g, nil
}

// follow adds the aliases that one refers to.
func (g *graph) follow(at *node, next []*v1alpha1.AliasCheck) {
	slices.SortFunc(next, func(a, b *v1alpha1.AliasCheck) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	g.references += len(next)
	for _, alias := range next {
		key := client.ObjectKeyFromObject(alias)
		known, again := g.found[key]
		if !again {
			known = &node{key: key, alias: alias, from: at, level: at.level + 1}
			g.found[key] = known
			g.order = append(g.order, known)
		}
		at.next = append(at.next, known)
		if known == g.start() {
			g.ring = append(wayTo(at), known)
			return
		}
	}
}

// wayTo is a shortest way from the start to a node.
func wayTo(n *node) []*node {
	var way []*node
	for ; n != nil; n = n.from {
		way = append(way, n)
	}
	slices.Reverse(way)
	return way
}

// nextAliases are those that an alias refers to and that are there.
func (r *reading) nextAliases(
	ctx context.Context, g *graph, alias *v1alpha1.AliasCheck,
) ([]*v1alpha1.AliasCheck, error) {
	if alias.Spec.Selector != nil {
		return r.selectedAliases(ctx, alias)
	}
	var next []*v1alpha1.AliasCheck
	seen := map[types.NamespacedName]bool{} // two conditions of one alias are one reference
	for _, ref := range ReferencesOf(alias) {
		if !ref.toAlias() || seen[ref.key()] {
			continue
		}
		seen[ref.key()] = true
		permitted, err := r.permitted(ref, r.kinds)
		if err != nil {
			return nil, err
		}
		if !permitted {
			continue
		}
		found, err := r.aliasAt(ctx, g, ref.key())
		if err != nil {
			return nil, err
		}
		if found != nil {
			next = append(next, found)
		}
	}
	return next, nil
}

func (r *reading) aliasAt(ctx context.Context, g *graph, key types.NamespacedName) (*v1alpha1.AliasCheck, error) {
	if known, again := g.found[key]; again {
		return known.alias, nil
	}
	alias := &v1alpha1.AliasCheck{}
	found, err := r.get(ctx, key, alias)
	if err != nil || !found {
		return nil, err
	}
	return alias, nil
}

// problem is what is wrong with what an alias reaches: it meets itself, or a ring, or the way is too long.
func (g *graph) problem() (health.Observation, bool) {
	if g.ring != nil {
		return stuck(v1alpha1.ReasonAliasCycle, "the alias reaches itself: "+spelled(g.ring)), true
	}
	for _, n := range g.order { // the nearest one first
		if n.inRing {
			way := append(wayTo(n), g.shortestRing(n)...)
			return stuck(v1alpha1.ReasonAliasCycle, "the alias reaches a ring: "+spelled(way)), true
		}
	}
	switch {
	case g.references > MaxReferences:
		return stuck(v1alpha1.ReasonAliasTooDeep, fmt.Sprintf(
			"more than %d references between AliasChecks are reached from here: combine fewer of them", MaxReferences)), true
	case g.endless, g.start().depth > v1alpha1.MaxAliasDepth:
		return stuck(v1alpha1.ReasonAliasTooDeep, fmt.Sprintf(
			"a chain of more than %d AliasChecks begins here: refer to what is at its end", v1alpha1.MaxAliasDepth)), true
	default:
		return health.Observation{}, false
	}
}

func stuck(reason, message string) health.Observation {
	return health.Observation{Problem: reason, Message: message}
}

// spelled is a way in words, a → shop/b → a: names of other namespaces than the first are qualified.
func spelled(way []*node) string {
	names := make([]string, 0, len(way))
	for _, n := range way {
		if n.key.Namespace == way[0].key.Namespace {
			names = append(names, n.key.Name)
		} else {
			names = append(names, n.key.String())
		}
	}
	return strings.Join(names, " → ")
}

// shortestRing is the shortest way from a node back to it, without its first step.
func (g *graph) shortestRing(start *node) []*node {
	from, queue := map[*node]*node{}, []*node{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range at.next {
			if _, again := from[next]; again || !next.inRing {
				continue
			}
			from[next] = at
			if next == start {
				return back(from, start)
			}
			queue = append(queue, next)
		}
	}
	return nil
}

func back(from map[*node]*node, start *node) []*node {
	way := []*node{start}
	for at := from[start]; at != start; at = from[at] {
		way = append(way, at)
	}
	slices.Reverse(way)
	return way
}

// visit is what a search has found of a node.
type visit struct {
	number, lowest int
	onPath         bool
}

type path struct {
	visited int
	nodes   []*node
}

// search finds the rings, and how deep all else is, with one look at each reference (Tarjan's strongly connected
// components).
func (g *graph) search(n *node, p *path) {
	p.visited++
	n.search = visit{number: p.visited, lowest: p.visited, onPath: true}
	p.nodes = append(p.nodes, n)
	for _, next := range n.next {
		switch {
		case next.search.number == 0:
			g.search(next, p)
			n.search.lowest = min(n.search.lowest, next.search.lowest)
		case next.search.onPath:
			n.search.lowest = min(n.search.lowest, next.search.number)
		}
		n.depth = max(n.depth, next.depth)
	}
	n.depth++
	if n.search.lowest == n.search.number {
		p.close(n)
	}
}

// close takes the nodes that reach each other off the path, of which this one was met first.
func (p *path) close(first *node) {
	begins := len(p.nodes) - 1
	for p.nodes[begins] != first {
		begins--
	}
	together := p.nodes[begins:]
	for _, n := range together {
		n.search.onPath = false
		n.inRing = len(together) > 1 || slices.Contains(n.next, n)
	}
	p.nodes = p.nodes[:begins]
}
