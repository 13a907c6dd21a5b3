package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// printMarkdown prints the rows of reports as the table of docs/performance.md.
func printMarkdown(out io.Writer, paths []string) error {
	if len(paths) == 0 {
		return errors.New("-markdown needs the files to print, such as bin/bench.json")
	}
	fmt.Fprint(out, "| figure | value | baseline | ratio | goal | |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a report: %w", err)
		}
		var rows []row
		if err := json.Unmarshal(content, &rows); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		for _, r := range rows {
			fmt.Fprintf(out, "| %s | %s %s | %s | %s | %s | %s |\n", r.Name, readable(r.Value), r.Unit,
				optional(r.Baseline, readable), optional(r.Ratio, hundredths), r.Goal, r.verdict())
		}
	}
	return nil
}
