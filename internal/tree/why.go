package tree

import (
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Hop is one step from what somebody sees to what decided it.
type Hop struct {
	ID
	State   string       `json:"state"`
	Reason  string       `json:"reason,omitempty"`
	Message string       `json:"message,omitempty"`
	Since   *metav1.Time `json:"since,omitempty"`
	// Next is what to do about it; only the last hop has it.
	Next string `json:"next,omitempty"`
}

// Why leads from a check or a pod to what decided its state. A pod has a path for each of its gates.
func (g *Graph) Why(id ID) ([][]Hop, error) {
	if id.Kind == KindPod {
		return g.whyPod(id)
	}
	if id.Kind != KindAliasCheck && id.Kind != KindHealthCheck {
		return nil, fmt.Errorf("why is for checks and pods, and not for a %s: impact lists the aliases that follow it, eval says what its rules make of it", id.Kind)
	}
	if g.Check(id) == nil {
		return nil, fmt.Errorf("there is no %s %s in namespace %s", id.Kind, id.Name, id.Namespace)
	}
	return [][]Hop{g.PathFrom(id)}, nil
}

func (g *Graph) whyPod(id ID) ([][]Hop, error) {
	pod, found := g.Pods[id]
	if !found {
		return nil, fmt.Errorf("there is no pod %s in namespace %s that has a readiness gate of an alias", id.Name, id.Namespace)
	}
	var paths [][]Hop
	for _, name := range gatesOf(pod) {
		path := []Hop{gateHop(id, pod, name)}
		alias := ID{KindAliasCheck, id.Namespace, name}
		if g.Check(alias) != nil {
			path = append(path, g.PathFrom(alias)...)
		} else {
			path[0].Next = Advice("AliasNotFound")
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func gateHop(id ID, pod *corev1.Pod, alias string) Hop {
	hop := Hop{ID: id, State: "not written yet", Message: "nobody has written the condition of the gate " + alias}
	if c := gateCondition(pod, alias); c != nil {
		hop.State = "gate open"
		if c.Status != corev1.ConditionTrue {
			hop.State = "gate closed"
		}
		hop.Reason, hop.Message, hop.Since = c.Reason, c.Message, &c.LastTransitionTime
	}
	return hop
}

// PathFrom goes down, at each step to the child that decides: the one that leads to the culprit, or, without a culprit, the worst.
func (g *Graph) PathFrom(id ID) []Hop {
	tree := g.Tree(id)
	path := []Hop{hopOf(tree)}
	for n := decider(tree); n != nil; n = decider(n) {
		path = append(path, hopOf(n))
		if n.Ring {
			break
		}
	}
	last := &path[len(path)-1]
	last.Next = adviceFor(path)
	return path
}

func hopOf(n *Node) Hop {
	hop := Hop{ID: n.ID, State: string(n.State), Reason: n.Reason, Message: n.Message, Since: n.Since}
	if n.Missing && n.State == "" {
		hop.State, hop.Message = "missing", "it does not exist"
	}
	return hop
}

func decider(n *Node) *Node {
	if c := leadsToCulprit(n); c != nil {
		return c
	}
	var worst *Node
	for _, child := range n.Children {
		if child.State == "" && !child.Missing {
			continue
		}
		if worst == nil || worse(child, worst) {
			worst = child
		}
	}
	return worst
}

// worse ranks what does not exist with Critical, which an alias shows for it unless its author wanted something else.
func worse(a, b *Node) bool { return health.Worse(rank(a), rank(b)) }

func rank(n *Node) v1alpha1.State {
	if n.Missing && n.State == "" {
		return v1alpha1.StateCritical
	}
	return health.Known(n.State)
}

func leadsToCulprit(n *Node) *Node {
	for _, child := range n.Children {
		if child.Culprit || leadsToCulprit(child) != nil {
			return child
		}
	}
	return nil
}

// adviceFor looks for the advice on the last reason of a path that the page explains: an object of another kind has
// reasons of its own.
func adviceFor(path []Hop) string {
	for i := len(path) - 1; i >= 0; i-- {
		if text := Advice(path[i].Reason); text != "" {
			return text
		}
	}
	return ""
}

// PrintWhy writes paths in sentences, for a reader in a namespace.
func PrintWhy(out io.Writer, paths [][]Hop, namespace string, now time.Time) {
	for i, path := range paths {
		if i > 0 {
			fmt.Fprintln(out)
		}
		for depth, hop := range path {
			arrow := "   because "
			if depth == 0 {
				arrow = ""
			}
			fmt.Fprintf(out, "%s%s is %s%s%s\n", arrow, health.OneLine(hop.From(namespace)), OrDash(hop.State),
				InParentheses(hop.Reason), sinceWhen(hop.Since, now))
			fmt.Fprintf(out, "           %s\n", health.OneLine(hop.Message))
		}
		if next := path[len(path)-1].Next; next != "" {
			fmt.Fprintf(out, "\nNext: %s\n", next)
		}
	}
}

// InParentheses is a word behind another, or nothing.
func InParentheses(text string) string {
	if text == "" {
		return ""
	}
	return " (" + health.OneLine(text) + ")"
}

func sinceWhen(at *metav1.Time, now time.Time) string {
	if at == nil || at.IsZero() {
		return ""
	}
	return fmt.Sprintf(" since %s (%s ago)", at.UTC().Format(time.RFC3339), Age(now.Sub(at.Time)))
}
