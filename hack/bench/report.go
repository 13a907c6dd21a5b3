package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// row is one figure. Baseline and ratio are absent where nothing comparable can be measured.
type row struct {
	Name     string   `json:"name"`
	Value    float64  `json:"value"`
	Unit     string   `json:"unit"`
	Baseline *float64 `json:"baseline"`
	Ratio    *float64 `json:"ratio"`

	goal goal
}

// goal is what a figure is held against, on the table only: a figure is no test.
type goal struct {
	text string
	met  func(row) bool
}

func ratioAtMost(limit float64) goal {
	return goal{fmt.Sprintf("ratio ≤ %g", limit), func(r row) bool { return r.Ratio != nil && *r.Ratio <= limit }}
}

func ratioAtLeast(limit float64) goal {
	return goal{fmt.Sprintf("ratio ≥ %g", limit), func(r row) bool { return r.Ratio != nil && *r.Ratio >= limit }}
}

func atMost(limit float64) goal {
	return goal{fmt.Sprintf("≤ %g", limit), func(r row) bool { return r.Value <= limit }}
}

// noGoal is for figures that explain others.
var noGoal = goal{}

func (g goal) verdict(r row) string {
	switch {
	case g.met == nil:
		return ""
	case g.met(r):
		return "met"
	default:
		return "MISSED"
	}
}

// report prints each row as soon as it is known, and writes all of them at the end.
type report struct {
	table io.Writer
	path  string
	rows  []row
}

func newReport(table io.Writer, path string) *report { return &report{table: table, path: path} }

func (r *report) start() {
	fmt.Fprintf(r.table, "%-44s %12s %-12s %12s %7s  %-14s %s\n", "name", "value", "unit", "baseline", "ratio", "goal", "")
}

// compare adds a figure and its baseline.
func (r *report) compare(name string, value, baseline float64, unit string, g goal) {
	ratio := value / baseline
	r.add(row{Name: name, Value: value, Unit: unit, Baseline: &baseline, Ratio: &ratio, goal: g})
}

// state adds a figure that has no baseline.
func (r *report) state(name string, value float64, unit string, g goal) {
	r.add(row{Name: name, Value: value, Unit: unit, goal: g})
}

func (r *report) add(row row) {
	r.rows = append(r.rows, row)
	fmt.Fprintf(r.table, "%-44s %12.4g %-12s %12s %7s  %-14s %s\n",
		row.Name, row.Value, row.Unit, optional(row.Baseline, "%.4g"), optional(row.Ratio, "%.2f"), row.goal.text, row.goal.verdict(row))
}

func optional(figure *float64, format string) string {
	if figure == nil {
		return "-"
	}
	return fmt.Sprintf(format, *figure)
}

func (r *report) write() error {
	content, err := json.MarshalIndent(r.rows, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the rows: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return fmt.Errorf("making the folder of the report: %w", err)
	}
	if err := os.WriteFile(r.path, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
