package tree

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aliascheck/aliascheck/internal/health"
)

// Print writes trees as a table whose first column is drawn.
func Print(out io.Writer, roots []*Node, namespace string, now time.Time, conditions bool) error {
	table := newTable(out)
	fmt.Fprintln(table, "NAME\tSTATE\tREASON\tSINCE\tMESSAGE")
	for _, root := range roots {
		printer := treePrinter{table: table, namespace: namespace, now: now, conditions: conditions}
		printer.node(root, "", "")
	}
	return table.Flush()
}

type treePrinter struct {
	table      io.Writer
	namespace  string
	now        time.Time
	conditions bool
}

// node writes one line, and below it those of its children. Branch is drawn before the node, and stem before all that
// stands below it.
func (p treePrinter) node(n *Node, branch, stem string) {
	// The message of a node with children is what they say themselves.
	message := ""
	if len(n.Children) == 0 && !n.Above {
		message = n.Message
	}
	fmt.Fprintf(p.table, "%s%s%s\t%s\t%s\t%s\t%s\n", branch, health.OneLine(n.From(p.namespace)), marks(n),
		OrDash(string(n.State)), OrDash(n.Reason), OrDash(since(n, p.now)), health.OneLine(message))
	if p.conditions {
		p.conditionsOf(n, stem)
	}
	for i, child := range n.Children {
		if last := i == len(n.Children)-1; last {
			p.node(child, stem+"└── ", stem+"    ")
		} else {
			p.node(child, stem+"├── ", stem+"│   ")
		}
	}
}

func (p treePrinter) conditionsOf(n *Node, stem string) {
	bar := "    "
	if len(n.Children) > 0 {
		bar = "│   "
	}
	for _, c := range n.Conditions {
		fmt.Fprintf(p.table, "%s%s%s\t%s\t%s\t%s\t%s\n", stem, bar, c.Type, c.Status, OrDash(c.Reason),
			Age(p.now.Sub(c.LastTransitionTime.Time)), "")
	}
}

func marks(n *Node) string {
	var marks []string
	if n.Culprit {
		marks = append(marks, "◀ culprit")
	}
	if n.Missing {
		marks = append(marks, "(does not exist)")
	}
	if n.Ring {
		marks = append(marks, "↺ ring")
	}
	if n.Above {
		marks = append(marks, "(see above)")
	}
	if len(marks) == 0 {
		return ""
	}
	return " " + strings.Join(marks, " ")
}

// OrDash is a text on one line, or a dash if it is empty.
func OrDash(text string) string {
	if text == "" {
		return "-"
	}
	return health.OneLine(text)
}
