package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// commands are what this program does, by name.
var commands = map[string]func(ctx context.Context, args []string) error{
	"image":   imageCommand,
	"plugins": pluginsCommand,
	"chart":   chartCommand,
	"render":  renderCommand,
	"check":   checkCommand,
	"push":    pushCommand,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New("usage: release image|plugins|render|chart|check|push [flags]")
	}
	return commands[args[0]](ctx, args[1:])
}
