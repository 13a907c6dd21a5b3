package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// childPrefix marks the first argument of this program when it runs as a baseline in a process of its own,
// so that its CPU and memory can be told from the benchmark's.
const childPrefix = "baseline-"

func runChild(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	url := flags.String("url", "", "")
	interval := flags.Duration("interval", 0, "")
	checks := flags.Int("checks", 0, "")
	kubeconfig := flags.String("kubeconfig", "", "")
	_ = flags.Parse(args[1:])

	var err error
	switch args[0] {
	case childPrefix + "prober":
		probeBarely(ctx, *url, *checks, *interval)
	case childPrefix + "follower":
		err = withInformers(ctx, *kubeconfig, baselineGroup)
	case childPrefix + "cache":
		err = withInformers(ctx, *kubeconfig, v1alpha1.GroupVersion)
	default:
		err = fmt.Errorf("there is no %s", args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, args[0]+":", err)
		return 1
	}
	return 0
}

// startChild runs a baseline in a process of its own.
func (w *world) startChild(name string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	child, err := startProcess(self, filepath.Join(w.dir, name+".log"), nil, append([]string{childPrefix + name}, args...)...)
	if err != nil {
		return nil, err
	}
	w.cleanup(child.stop)
	return child, nil
}

// startProber starts the bare loop of as many probes, noted in the series "bare".
func (w *world) startProber(checks int, interval time.Duration) (*process, error) {
	return w.startChild("prober", "-url="+w.subject.url+"/bare/",
		fmt.Sprintf("-checks=%d", checks), "-interval="+interval.String())
}

func withInformers(ctx context.Context, kubeconfig string, group schema.GroupVersion) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	return runInformers(ctx, config, group)
}
