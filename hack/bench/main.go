// Program bench is `make bench`: it measures the built manager binary on a real control plane on loopback.
//
// Absolute times mean nothing on a shared machine. So each figure comes with a baseline, the least that the
// same work can cost, which was measured in the same run and interleaved with it; the ratio is what counts.
// See docs/performance.md for what is measured and how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// section measures one thing, on a control plane of its own.
type section struct {
	name string
	run  func(context.Context, *bench) error
}

// sections in the order in which they run.
var sections = []section{
	{"fanout", fanout},
	{"edge", edge},
	{"rollup", rollup},
	{"idle", idle},
	{"peers", peers},
	{"schedule", schedule},
	{"failover", failover},
	{"sweep", sweeps},
	{"growth", growth},
	{"shards", shards},
}

// bench is what all sections share.
type bench struct {
	scale    scale
	report   *report
	progress *progress
	// binary is the manager, and profiles the folder for its profiles; empty for none.
	binary, profiles string
}

func main() {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], childPrefix) {
		os.Exit(runChild(os.Args[1:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("run", "", "comma-separated sections to run, of "+strings.Join(names(), ",")+" (default all)")
	size := flags.String("scale", "small", "small takes 35 minutes on two quiet cores, full an hour and 45 minutes; smoke only shows that it works")
	out := flags.String("out", filepath.Join(controlplane.Root(), "bin", "bench.json"), "where the rows go as JSON")
	binary := flags.String("manager", filepath.Join(controlplane.Root(), "bin", "manager"), "the manager to measure")
	profiles := flags.String("profiles", "", "a folder for profiles of the manager, by section")
	markdown := flags.Bool("markdown", false, "measure nothing: print the reports that are named as a Markdown table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *markdown {
		return printMarkdown(os.Stdout, flags.Args())
	}
	b := &bench{report: newReport(os.Stdout, *out), binary: *binary, profiles: *profiles}
	var found bool
	if b.scale, found = scales[*size]; !found {
		return fmt.Errorf("-scale is %q: it must be small, full or smoke", *size)
	}
	wanted, err := selected(*only)
	if err != nil {
		return err
	}
	return b.runSections(ctx, wanted)
}

// runSections runs what is wanted, and goes on after a section that fails: the other figures are still true.
func (b *bench) runSections(ctx context.Context, wanted []section) error {
	var total time.Duration
	for _, s := range wanted {
		total += b.scale.expected[s.name]
	}
	b.progress = newProgress(os.Stderr, total)
	b.report.start()
	var failures error
	for _, s := range wanted {
		if ctx.Err() != nil {
			break
		}
		b.report.section = s.name
		b.progress.enter(s.name, b.scale.expected[s.name])
		err := s.run(ctx, b)
		b.progress.leave()
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("%s: %w", s.name, err))
			fmt.Fprintln(os.Stderr, "bench:", s.name+":", err)
		}
	}
	b.report.summarize(b.progress, wanted)
	return errors.Join(failures, b.report.failure, ctx.Err())
}

func names() []string {
	all := make([]string, 0, len(sections))
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

func selected(only string) ([]section, error) {
	if only == "" {
		return sections, nil
	}
	var wanted []section
	for name := range strings.SplitSeq(only, ",") {
		i := slices.Index(names(), name)
		if i < 0 {
			return nil, fmt.Errorf("-run has no section %q: there are %s", name, strings.Join(names(), ", "))
		}
		wanted = append(wanted, sections[i])
	}
	return wanted, nil
}
