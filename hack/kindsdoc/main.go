// Command kindsdoc writes docs/kinds.md: what makes the objects of each kind with built-in rules Passing, Warning, Critical or
// Unknown. It takes the path of the file.
package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

const header = `# Kinds with built-in rules

Generated from [internal/target/rules](../internal/target/rules); do not edit. The first rule of a kind that holds decides. Other kinds are
judged by what they say in common, see [the table of evidence](aliascheck.md#any-other-kind); a
[HealthRule](aliascheck.md#health-rules) replaces the rules of a kind. What the rules hold to is in [test/kinds](../test/kinds).
`

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "kindsdoc:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	all, err := rules.BuiltInRules()
	if err != nil {
		return fmt.Errorf("reading the built-in rules: %w", err)
	}
	slices.SortStableFunc(all, func(a, b v1alpha1.HealthRule) int {
		return cmp.Or(cmp.Compare(a.Spec.Target.Group, b.Spec.Target.Group), cmp.Compare(a.Spec.Target.Kind, b.Spec.Target.Kind))
	})
	var page strings.Builder
	page.WriteString(header)
	group := "none yet"
	for _, rule := range all {
		if rule.Spec.Target.Group != group {
			group = rule.Spec.Target.Group
			fmt.Fprintf(&page, "\n## %s\n", cmp.Or(group, "core"))
		}
		fmt.Fprintf(&page, "\n### %s\n\n| state | reason | where |\n| --- | --- | --- |\n", rule.Spec.Target.Kind)
		for _, r := range rule.Spec.Rules {
			fmt.Fprintf(&page, "| %s | %s | %s |\n", r.State, r.Reason, code(r.When))
		}
	}
	if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// code is an expression in one cell of a table.
func code(expression string) string {
	return "`" + strings.ReplaceAll(strings.Join(strings.Fields(expression), " "), "|", `\|`) + "`"
}
