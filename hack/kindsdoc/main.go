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

Generated from [internal/target/rules](../internal/target/rules); do not edit. In short: what makes the objects of a kind Passing, a Warning or
Critical; the rest is Unknown, such as what is not ready yet, or was suspended. ${code}Ready=True${code} is a condition, ${code}phase Bound${code} a field of the
status, and a word such as PartlyReady the reason of a rule that takes more words: ${code}kubectl aliascheck rules${code}, or the files, have them
in full. The first rule of a kind that holds decides, and the bad ones come first.

Other kinds are judged by what they say in common, see [the table of evidence](aliascheck.md#any-other-kind); a
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
	page.WriteString(strings.ReplaceAll(header, "${code}", "`"))
	for len(all) > 0 {
		group := all[0].Spec.Target.Group
		end := slices.IndexFunc(all, func(r v1alpha1.HealthRule) bool { return r.Spec.Target.Group != group })
		if end < 0 {
			end = len(all)
		}
		writeGroup(&page, cmp.Or(group, "core"), all[:end])
		all = all[end:]
	}
	if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// writeGroup writes one table. Kinds for which the same makes all the same share a row.
func writeGroup(page *strings.Builder, group string, kinds []v1alpha1.HealthRule) {
	var rows []string
	sharing := map[string][]string{}
	for _, rule := range kinds {
		var row strings.Builder
		for _, state := range []v1alpha1.State{v1alpha1.StatePassing, v1alpha1.StateWarning, v1alpha1.StateCritical} {
			fmt.Fprintf(&row, " %s |", cell(rule.Spec.Rules, state))
		}
		if sharing[row.String()] == nil {
			rows = append(rows, row.String())
		}
		sharing[row.String()] = append(sharing[row.String()], strings.ReplaceAll(rule.Spec.Target.Kind, "*", "every kind"))
	}
	fmt.Fprintf(page, "\n## %s\n\n| kind | Passing | Warning | Critical |\n| --- | --- | --- | --- |\n", group)
	for _, row := range rows {
		fmt.Fprintf(page, "| %s |%s\n", strings.Join(sharing[row], ", "), row)
	}
}
