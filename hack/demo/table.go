package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var colours = map[v1alpha1.State]string{
	v1alpha1.StatePassing:     "\x1b[32m",
	v1alpha1.StateWarning:     "\x1b[33m",
	v1alpha1.StateCritical:    "\x1b[31m",
	v1alpha1.StateMaintenance: "\x1b[34m",
	v1alpha1.StateUnknown:     "\x1b[90m",
}

const plain = "\x1b[0m"

// tableOf is the table of the checks, HealthChecks first, each line at most width characters wide.
func tableOf(checks map[string]check, now time.Time, width int) []string {
	lines := []string{fit(row("STATE", "TARGET/TYPE", "REASON", "SINCE", "NAME"), width)}
	for _, c := range inOrder(checks) {
		line := fit(row(string(c.state), c.subject, c.reason, age(c.since, now), c.name), width)
		lines = append(lines, colours[c.state]+line+plain)
	}
	return lines
}

func inOrder(checks map[string]check) []check {
	sorted := make([]check, 0, len(checks))
	for _, c := range checks {
		sorted = append(sorted, c)
	}
	slices.SortFunc(sorted, func(a, b check) int {
		return cmp.Or(cmp.Compare(kindRank(a), kindRank(b)), cmp.Compare(a.name, b.name))
	})
	return sorted
}

func kindRank(c check) int {
	if strings.HasPrefix(c.name, "HealthCheck/") {
		return 0
	}
	return 1
}

func row(state, subject, reason, since, name string) string {
	return fmt.Sprintf("%-12s%-26s%-18s%-7s%s", state, subject, reason, since, name)
}

func age(since, now time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return duration.HumanDuration(now.Sub(since))
}

func fit(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width])
}
