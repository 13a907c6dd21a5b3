// Program demo is `make run`: a control plane on loopback, the built manager binary against it, a small
// service that fails and recovers every few seconds, and a view of the checks that follow it.
//
// With DEMO_FOR=30s in the environment it ends by itself, and its exit code is 0 only if every alias of the
// flipped HealthCheck was seen to leave Passing and to come back. With DEMO_FILM=demo.svg it writes what a terminal shows meanwhile as
// a picture that moves.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

func main() {
	// A terminal that is closed, and a reader of the output that has gone, end the demo as Ctrl-C does: what it started
	// must not outlive it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "make run:", err)
		os.Exit(1)
	}
}

// run brings the parts up, tells the story, and takes the parts down again in reverse order.
func run(ctx context.Context) (err error) {
	log.SetLogger(logr.Discard())
	length, err := storyLength(os.Getenv("DEMO_FOR"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aliascheck-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)

	service, err := startService()
	if err != nil {
		return err
	}
	defer service.close()

	fmt.Println("starting etcd and kube-apiserver on loopback …")
	cp, err := controlplane.Start(controlplane.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cp.Stop()) }()
	if ctx.Err() != nil {
		return interrupted(length)
	}

	fmt.Println("starting bin/manager …")
	manager, err := startManager(cp.Kubeconfig, filepath.Join(dir, "manager.log"))
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, manager.stop()) }()

	if err := applySamples(ctx, cp, service.address); err != nil {
		if ctx.Err() != nil {
			return interrupted(length)
		}
		return err
	}
	explain(cp.Kubeconfig, service.address)
	page, end := context.WithCancel(ctx)
	defer end() // before the API server, which waits for the watches of the page
	if err := servePage(page, cp.Config); err != nil {
		return err
	}
	return watchStory(ctx, cp, service, manager, length)
}

// watchStory tells the story on what the API server shows, and stops watching when the story ends.
func watchStory(ctx context.Context, cp *controlplane.ControlPlane, service *service,
	manager *manager, length time.Duration,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := watchChecks(ctx, cp.Config)
	if err != nil {
		return err
	}
	screen, write := filming(newScreen(os.Stdout), os.Getenv("DEMO_FILM"))
	if err := newStory(service, screen).tell(ctx, changes, manager, length); err != nil {
		return err
	}
	return write()
}

// storyLength is how long the demo runs; 0 is until it is interrupted.
func storyLength(value string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	length, err := time.ParseDuration(value)
	if err != nil || length <= 0 {
		return 0, fmt.Errorf("DEMO_FOR must be a duration such as 30s, and not %q", value)
	}
	return length, nil
}

func explain(kubeconfig, address string) {
	kubectl, err := controlplane.Binary("kubectl")
	if err != nil {
		kubectl = "kubectl"
	}
	fmt.Printf(`
Look around from another terminal:

    export KUBECONFIG=%s
    %s get checks

The demo service fails and recovers every %s. Take it into your own hands, and give it back, with

    curl -X POST http://%s/break      # or /repair, or /auto

Ctrl-C ends everything and cleans up.

`, kubeconfig, kubectl, flipEvery, address)
}
