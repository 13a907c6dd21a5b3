package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// options are the flags that all commands have.
type options struct {
	genericiooptions.IOStreams
	config        *genericclioptions.ConfigFlags
	allNamespaces bool
	selector      string
	output        string
	watch         bool
	now           func() time.Time
	incomplete    map[string]bool // what has been said to be missing in answers
}

// NewCommand is kubectl aliascheck with all of its commands.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{IOStreams: streams, config: genericclioptions.NewConfigFlags(true), now: time.Now, incomplete: map[string]bool{}}
	root := &cobra.Command{
		Use:           "kubectl-aliascheck",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl aliascheck"},
		Short:         "See why a check is red, what it rests on, and what hangs on it.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	o.config.AddFlags(root.PersistentFlags())
	_ = root.RegisterFlagCompletionFunc("namespace", o.completeNamespaces) // the line above has added the flag
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.AddCommand(o.treeCommand(), o.whyCommand(), o.impactCommand(), o.doctorCommand(), o.rulesCommand(),
		o.evalCommand(), o.waitCommand(), o.uiCommand())
	return root
}

// client is one with the user's own rights.
func (o *options) client() (client.WithWatch, error) {
	config, err := o.config.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 50, 100
	return client.NewWithWatch(config, client.Options{Scheme: tree.Scheme()})
}

// namespace is that of the flags or of the context; with -A it is empty.
func (o *options) namespace() (string, error) {
	if o.allNamespaces {
		return "", nil
	}
	namespace, _, err := o.config.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", fmt.Errorf("reading the namespace: %w", err)
	}
	return namespace, nil
}

// graph reads the world. What could not be read is said on stderr, for an answer without it may be incomplete.
func (o *options) graph(ctx context.Context) (*tree.Graph, string, error) {
	namespace, err := o.namespace()
	if err != nil {
		return nil, "", err
	}
	reader, err := o.client()
	if err != nil {
		return nil, "", err
	}
	world, err := tree.Load(ctx, reader, namespace, o.now())
	if err != nil {
		return nil, "", err
	}
	for _, problem := range world.Unread {
		if !o.incomplete[problem] {
			fmt.Fprintln(o.ErrOut, "incomplete:", health.OneLine(problem))
		}
		o.incomplete[problem] = true
	}
	return tree.NewGraph(world), namespace, nil
}

func (o *options) addOutput(c *cobra.Command) {
	c.Flags().StringVarP(&o.output, "output", "o", "", "json or yaml; a text by default")
	o.offer(c, "output", "json", "yaml")
}

func (o *options) addWatch(c *cobra.Command) {
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, "go on, and print the answer again whenever it changes; in place on a terminal")
}

func (o *options) treeCommand() *cobra.Command {
	conditions := false
	c := &cobra.Command{
		Use:               "tree [ALIAS]",
		Short:             "Draw what an alias rests on, down to what decided its state; without an argument all roots.",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: o.completeNames(tree.KindAliasCheck),
		RunE: func(c *cobra.Command, args []string) error {
			return o.repeat(c.Context(), func(g *tree.Graph, namespace string, out io.Writer) error {
				trees, err := o.trees(g, namespace, args)
				if err != nil {
					return err
				}
				if len(trees) == 0 {
					fmt.Fprintln(o.ErrOut, "There are no such AliasChecks"+inNamespace(namespace)+".")
				}
				return o.print(out, trees, func() error { return tree.Print(out, trees, namespace, g.At, conditions) })
			})
		},
	}
	c.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "the aliases of all namespaces")
	c.Flags().StringVarP(&o.selector, "selector", "l", "", "only roots with these labels")
	c.Flags().BoolVar(&conditions, "show-conditions", false, "the conditions of each check below it")
	o.addOutput(c)
	o.addWatch(c)
	return c
}

func (o *options) trees(g *tree.Graph, namespace string, args []string) ([]*tree.Node, error) {
	if len(args) == 1 {
		if o.allNamespaces {
			return nil, errors.New("an alias is in one namespace: name it with -n, and not -A")
		}
		id, err := o.identify(args[0], namespace)
		if err != nil {
			return nil, err
		}
		drawn := g.Tree(id)
		if drawn.Missing {
			return nil, fmt.Errorf("there is no %s %s%s", id.Kind, id.Name, inNamespace(id.Namespace))
		}
		return []*tree.Node{drawn}, nil
	}
	selector, err := labels.Parse(o.selector)
	if err != nil {
		return nil, fmt.Errorf("reading --selector: %w", err)
	}
	trees := []*tree.Node{}
	for _, root := range g.Roots(namespace, selector) {
		trees = append(trees, g.Tree(root))
	}
	return trees, nil
}

// inNamespace is the end of a sentence about objects of a namespace, or of all.
func inNamespace(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + namespace
}

func (o *options) whyCommand() *cobra.Command {
	return o.aboutCommand("why", "Lead from a check or a pod to what decided its state, with what to do next.",
		func(g *tree.Graph, id tree.ID, namespace string, out io.Writer) error {
			paths, err := g.Why(id)
			if err != nil {
				return err
			}
			return o.print(out, paths, func() error { tree.PrintWhy(out, paths, namespace, g.At); return nil })
		})
}

func (o *options) impactCommand() *cobra.Command {
	return o.aboutCommand("impact", "List the aliases and the pods that follow an object.",
		func(g *tree.Graph, id tree.ID, namespace string, out io.Writer) error {
			impact := g.Impact(id)
			return o.print(out, impact, func() error { return tree.PrintImpact(out, impact, namespace, g.At) })
		})
}

// aboutCommand answers something about one object.
func (o *options) aboutCommand(
	name, short string, answer func(g *tree.Graph, id tree.ID, namespace string, out io.Writer) error,
) *cobra.Command {
	c := &cobra.Command{
		Use:               name + " KIND/NAME",
		Short:             short,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.completeNames(tree.KindAliasCheck, tree.KindHealthCheck, tree.KindPod),
		RunE: func(c *cobra.Command, args []string) error {
			return o.repeat(c.Context(), func(g *tree.Graph, namespace string, out io.Writer) error {
				id, err := o.identify(args[0], namespace)
				if err != nil {
					return err
				}
				return answer(g, id, namespace, out)
			})
		},
	}
	o.addOutput(c)
	o.addWatch(c)
	return c
}

// print writes an answer in the format that was asked for.
func (o *options) print(out io.Writer, answer any, text func() error) error {
	switch o.output {
	case "":
		return text()
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(answer)
	case "yaml":
		content, err := yaml.Marshal(answer)
		if err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
		_, err = out.Write(content)
		return err
	default:
		return fmt.Errorf("unknown output %q: json or yaml", o.output)
	}
}

func (o *options) terminal() bool {
	file, ok := o.Out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
