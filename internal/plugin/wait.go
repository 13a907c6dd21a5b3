package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/tree"
)

func (o *options) waitCommand() *cobra.Command {
	wanted, timeout := "Ready", 5*time.Minute
	c := &cobra.Command{
		Use:   "wait KIND/NAME",
		Short: "Wait until a check is Ready, or in a state, and say meanwhile what it waits for.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			return o.wait(ctx, args[0], wanted)
		},
	}
	c.Flags().StringVar(&wanted, "for", wanted, "Ready, or one of the states Passing, Warning, Critical, Maintenance, Unknown")
	c.Flags().DurationVar(&timeout, "timeout", timeout, "how long to wait")
	return c
}

func (o *options) wait(ctx context.Context, argument, wanted string) error {
	reader, err := o.client()
	if err != nil {
		return err
	}
	changes := watchChecks(ctx, reader)
	told := ""
	for {
		g, namespace, err := o.graph(ctx)
		if err != nil {
			return err
		}
		id, err := tree.ParseID(argument, namespace)
		if err != nil {
			return err
		}
		met, progress := reached(g, id, wanted)
		if progress != told {
			fmt.Fprintln(o.Out, progress)
			told = progress
		}
		if met {
			return nil
		}
		if !next(ctx, changes) {
			return fmt.Errorf("%s is not %s: %s", id.From(namespace), wanted, told)
		}
	}
}

// reached reports whether a check is as wanted, with a sentence on where it stands. A state of an older generation is
// not that of what was asked for.
func reached(g *tree.Graph, id tree.ID, wanted string) (bool, string) {
	check := g.Check(id)
	if check == nil {
		return false, fmt.Sprintf("%s does not exist yet", id.From(id.Namespace))
	}
	status := check.CommonStatus()
	state := health.Known(status.State)
	current := status.ObservedGeneration == check.GetGeneration()
	met := current && (string(state) == wanted ||
		wanted == "Ready" && (state == v1alpha1.StatePassing || state == v1alpha1.StateWarning))
	progress := fmt.Sprintf("%s is %s", id.From(id.Namespace), state)
	if path := g.PathFrom(id); !met && len(path) > 1 {
		last := path[len(path)-1]
		progress += fmt.Sprintf(" because %s is %s: %s", last.From(id.Namespace), last.State, health.OneLine(last.Message))
	} else if !met {
		progress += ": " + health.OneLine(status.Message)
	}
	if !current {
		progress += " (its status is for an older generation)"
	}
	return met, progress
}
