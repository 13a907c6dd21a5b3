package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

// row is one figure. Baseline and ratio are null where nothing comparable was measured.
type row struct {
	Name     string   `json:"name"`
	Value    float64  `json:"value"`
	Unit     string   `json:"unit"`
	Baseline *float64 `json:"baseline"`
	Ratio    *float64 `json:"ratio"`
	// Goal is what the figure is held against, and Met says how that went; null where there is no goal, or nothing
	// to compare with. A figure is no test.
	Goal string `json:"goal,omitempty"`
	Met  *bool  `json:"met"`

	section string
}

// goal is what a figure is held against.
type goal struct {
	text string
	// met is nil where the figure lacks what the goal is about.
	met func(row) *bool
}

// noGoal is for figures that explain others.
var noGoal = goal{}

func ratioAtMost(limit float64) goal {
	return goal{fmt.Sprintf("ratio ≤ %g", limit), func(r row) *bool { return ratioIs(r, func(x float64) bool { return x <= limit }) }}
}

func ratioAtLeast(limit float64) goal {
	return goal{fmt.Sprintf("ratio ≥ %g", limit), func(r row) *bool { return ratioIs(r, func(x float64) bool { return x >= limit }) }}
}

func ratioIs(r row, good func(float64) bool) *bool {
	if r.Ratio == nil {
		return nil
	}
	return new(good(*r.Ratio))
}

func atMost(limit float64) goal {
	return goal{fmt.Sprintf("≤ %g", limit), func(r row) *bool { return new(r.Value <= limit) }}
}

// judged is the row with what became of its goal.
func (g goal) judged(r row) row {
	if g.met != nil {
		r.Goal, r.Met = g.text, g.met(r)
	}
	return r
}

func (r row) verdict() string {
	switch {
	case r.Goal == "":
		return ""
	case r.Met == nil:
		return "no baseline"
	case *r.Met:
		return "met"
	default:
		return "MISSED"
	}
}

// report prints each row as soon as it is known, and writes the file again with it: a run that is cut off leaves what it
// has measured.
type report struct {
	table   io.Writer
	path    string
	section string
	rows    []row
	failure error
}

func newReport(table io.Writer, path string) *report { return &report{table: table, path: path} }

const rowFormat = "%-46s %10s %-12s %10s %7s  %-13s %s\n"

func (r *report) start() {
	fmt.Fprintf(r.table, rowFormat, "name", "value", "unit", "baseline", "ratio", "goal", "")
}

// compare adds a figure and its baseline, which may be absent: not a number, or nothing at all.
func (r *report) compare(name string, value, baseline float64, unit string, g goal) {
	r.compareBlocks(name, value, baseline, value/baseline, unit, g)
}

// compareBlocks adds a figure whose ratio to the baseline is the median of many, each of measurements next to
// each other.
func (r *report) compareBlocks(name string, value, baseline, ratio float64, unit string, g goal) {
	figure := row{Name: name, Value: value, Unit: unit}
	if finite(baseline) && baseline > 0 && finite(ratio) {
		figure.Baseline, figure.Ratio = &baseline, &ratio
	}
	r.add(figure, g)
}

// state adds a figure that has no baseline.
func (r *report) state(name string, value float64, unit string, g goal) {
	r.add(row{Name: name, Value: value, Unit: unit}, g)
}

func (r *report) add(figure row, g goal) {
	if !finite(figure.Value) {
		r.failure = errors.Join(r.failure, fmt.Errorf("%s was not measured: there is no sample of it", figure.Name))
		return
	}
	figure = g.judged(figure)
	figure.section = r.section
	r.rows = append(r.rows, figure)
	fmt.Fprintf(r.table, rowFormat, figure.Name, readable(figure.Value), figure.Unit,
		optional(figure.Baseline, readable), optional(figure.Ratio, hundredths), figure.Goal, figure.verdict())
	r.failure = errors.Join(r.failure, r.write())
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// readable has three digits that count, and all that come before the point.
func readable(x float64) string {
	digits := 2
	for rest := math.Abs(x); rest >= 10 && digits > 0; rest /= 10 {
		digits--
	}
	if x != 0 && math.Abs(x) < 0.1 {
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	return strconv.FormatFloat(x, 'f', digits, 64)
}

func hundredths(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

func optional(figure *float64, text func(float64) string) string {
	if figure == nil {
		return "-"
	}
	return text(*figure)
}

// write replaces the file at once, so that there is never half a one.
func (r *report) write() error {
	content, err := json.MarshalIndent(r.rows, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the rows: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return fmt.Errorf("making the folder of the report: %w", err)
	}
	partial := r.path + ".partial"
	if err := os.WriteFile(partial, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.Rename(partial, r.path)
}
