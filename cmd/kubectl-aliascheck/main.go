// Command kubectl-aliascheck is a plugin of kubectl: kubectl aliascheck tree, why, impact, doctor, rules, eval, wait, ui.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to log in that a kubeconfig may name
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/internal/plugin"
)

// version is set by the linker.
var version = "unknown"

// Exit codes: 1 where the answer is that something is wrong, and 2 where there is no answer.
const (
	exitUnwell   = 1
	exitNoAnswer = 2
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetLogger(logr.Discard()) // what libraries log is no answer
	command := plugin.NewCommand(genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})
	command.Version = version
	err := command.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, plugin.ErrUnwell):
		return exitUnwell
	default:
		fmt.Fprintln(os.Stderr, "kubectl aliascheck:", err)
		return exitNoAnswer
	}
}
