package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// waitable is what can be waited for.
var waitable = []string{
	v1alpha1.ConditionReady, string(v1alpha1.StatePassing), string(v1alpha1.StateWarning), string(v1alpha1.StateCritical),
	string(v1alpha1.StateMaintenance), string(v1alpha1.StateUnknown),
}

func (o *options) waitCommand() *cobra.Command {
	wanted, timeout := "Ready", 5*time.Minute
	c := &cobra.Command{
		Use:               "wait KIND/NAME",
		Short:             "Wait until a check is Ready, or in a state, and say meanwhile what it waits for.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.completeNames(tree.KindAliasCheck, tree.KindHealthCheck),
		RunE: func(c *cobra.Command, args []string) error {
			at := slices.IndexFunc(waitable, func(state string) bool { return strings.EqualFold(state, wanted) })
			if at < 0 {
				return fmt.Errorf("--for=%s must be one of %s", wanted, strings.Join(waitable, ", "))
			}
			wanted = waitable[at]
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			return o.wait(ctx, args[0], wanted)
		},
	}
	c.Flags().StringVar(&wanted, "for", wanted, "Ready, or one of the states Passing, Warning, Critical, Maintenance, Unknown")
	o.offer(c, "for", waitable...)
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
		if id.Kind != tree.KindAliasCheck && id.Kind != tree.KindHealthCheck {
			return fmt.Errorf("%s is no check: wait is for AliasChecks and HealthChecks", id.From(namespace))
		}
		met, progress := reached(g, id, wanted)
		if progress != told {
			fmt.Fprintln(o.Out, progress)
			told = progress
		}
		if met {
			return nil
		}
		if _, ended := next(ctx, changes, reread); ended {
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
