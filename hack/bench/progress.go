package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress tells how far a run is, and how much longer it takes by what its sections take on two quiet cores.
type progress struct {
	out io.Writer
	// left is what the sections that have not begun are expected to take.
	left     time.Duration
	name     string
	expected time.Duration
	began    time.Time
	took     map[string]time.Duration
}

func newProgress(out io.Writer, total time.Duration) *progress {
	return &progress{out: out, left: total, took: map[string]time.Duration{}}
}

func (p *progress) enter(name string, expected time.Duration) {
	p.name, p.expected, p.began = name, expected, time.Now()
	p.left -= expected
	p.say("about %s", expected)
}

func (p *progress) leave() { p.took[p.name] = time.Since(p.began) }

// say tells what is done now.
func (p *progress) say(format string, args ...any) {
	left := p.left + max(p.expected-time.Since(p.began), 0)
	fmt.Fprintf(p.out, "bench: %s %s: %s; about %s left\n",
		time.Now().Format(time.TimeOnly), p.name, fmt.Sprintf(format, args...), left.Round(10*time.Second))
}

// summarize prints a line for each section that has run.
func (r *report) summarize(p *progress, wanted []section) {
	fmt.Fprintf(r.table, "\n%-10s %8s %8s %10s  %s\n", "section", "took", "figures", "goals met", "missed")
	for _, s := range wanted {
		took, ran := p.took[s.name]
		if !ran {
			continue
		}
		figures, goals, met := 0, 0, 0
		var missed []string
		for _, row := range r.rows {
			if row.section != s.name {
				continue
			}
			figures++
			switch {
			case row.Goal == "":
			case row.Met != nil && *row.Met:
				goals, met = goals+1, met+1
			default:
				goals, missed = goals+1, append(missed, row.Name)
			}
		}
		fmt.Fprintf(r.table, "%-10s %8s %8d %10s  %s\n", s.name, took.Round(time.Second), figures,
			fmt.Sprintf("%d of %d", met, goals), strings.Join(missed, ", "))
	}
}
