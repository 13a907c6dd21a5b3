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

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// sections in the order in which they run.
var sections = []struct {
	name string
	run  func(context.Context, *bench) error
}{
	{"fanout", fanout},
	{"edge", edge},
	{"idle", idle},
	{"schedule", schedule},
	{"failover", failover},
	{"sweep", sweeps},
	{"growth", growth},
}

// bench is what all sections share.
type bench struct {
	scale  scale
	report *report
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
	size := flags.String("scale", "small", "small ends within a quarter of an hour on two cores, full takes about an hour")
	out := flags.String("out", filepath.Join(controlplane.Root(), "bin", "bench.json"), "where the rows go as JSON")
	binary := flags.String("manager", filepath.Join(controlplane.Root(), "bin", "manager"), "the manager to measure")
	profiles := flags.String("profiles", "",
		"a folder for profiles of the manager, by section; it must have been built with -tags profiling")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b := &bench{report: newReport(os.Stdout, *out), binary: *binary, profiles: *profiles}
	var found bool
	if b.scale, found = scales[*size]; !found {
		return fmt.Errorf("-scale is %q: it must be small or full", *size)
	}
	wanted, err := selected(*only)
	if err != nil {
		return err
	}
	return b.runSections(ctx, wanted)
}

// runSections runs what is wanted, and goes on after a section that fails: the other figures are still true.
func (b *bench) runSections(ctx context.Context, wanted []string) error {
	b.report.start()
	var failures error
	for _, section := range sections {
		if ctx.Err() != nil || !slices.Contains(wanted, section.name) {
			continue
		}
		if err := section.run(ctx, b); err != nil {
			failures = errors.Join(failures, fmt.Errorf("%s: %w", section.name, err))
			fmt.Fprintln(os.Stderr, "bench:", section.name+":", err)
		}
	}
	return errors.Join(failures, b.report.write(), ctx.Err())
}

func names() []string {
	all := make([]string, 0, len(sections))
	for _, section := range sections {
		all = append(all, section.name)
	}
	return all
}

func selected(only string) ([]string, error) {
	if only == "" {
		return names(), nil
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return nil, fmt.Errorf("-run has no section %q: there are %s", name, strings.Join(names(), ", "))
		}
	}
	return wanted, nil
}
