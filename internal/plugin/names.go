package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/internal/target/rules"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// identify reads KIND/NAME by the names of kinds that kubectl knows. A kind that is not installed is taken as it is written.
func (o *options) identify(argument, namespace string) (tree.ID, error) {
	id, err := tree.ParseID(argument, namespace)
	if err != nil || tree.Knows(id.Kind) {
		return id, err
	}
	mapping, err := o.mappingOf(id.Kind)
	if meta.IsNoMatchError(err) {
		return id, nil
	}
	if err != nil {
		return id, fmt.Errorf("finding the kind %s: %w", id.Kind, err)
	}
	id.Kind = mapping.GroupVersionKind.Kind
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		id.Namespace = ""
	}
	return id, nil
}

// mappingOf finds a kind by its name, its plural, or a short name, with or without its group.
func (o *options) mappingOf(resource string) (*meta.RESTMapping, error) {
	mapper, err := o.config.ToRESTMapper()
	if err != nil {
		return nil, fmt.Errorf("asking the API server for its kinds: %w", err)
	}
	kind, err := mapper.KindFor(schema.ParseGroupResource(strings.ToLower(resource)).WithVersion(""))
	if err != nil {
		return nil, err
	}
	return mapper.RESTMapping(kind.GroupKind(), kind.Version)
}

// completionTimeout is how long somebody waits who has pressed Tab.
const completionTimeout = 3 * time.Second

type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeNames completes the names of checks and gated pods, as KIND/NAME, or NAME alone for an AliasCheck.
func (o *options) completeNames(kinds ...string) completion {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		names, err := o.names(ctx, begun, kinds)
		if err != nil {
			cobra.CompErrorln(err.Error())
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func (o *options) names(ctx context.Context, begun string, kinds []string) ([]string, error) {
	namespace, err := o.namespace()
	if err != nil {
		return nil, err
	}
	reader, err := o.client()
	if err != nil {
		return nil, err
	}
	world, err := tree.Load(ctx, reader, namespace, o.now())
	if err != nil {
		return nil, err
	}
	var names []string
	offer := func(id tree.ID) {
		name := strings.ToLower(id.Kind) + "/" + id.Name
		if id.Kind == tree.KindAliasCheck && !strings.Contains(begun, "/") {
			name = id.Name
		}
		if id.Namespace == namespace && slices.Contains(kinds, id.Kind) && strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	for id := range world.All() {
		offer(id)
	}
	for id := range world.Pods {
		offer(id)
	}
	slices.Sort(names)
	return names, nil
}

func (o *options) completeNamespaces(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
	defer cancel()
	list := &corev1.NamespaceList{}
	reader, err := o.client()
	if err == nil {
		err = reader.List(ctx, list)
	}
	if err != nil {
		cobra.CompErrorln(err.Error())
	}
	var names []string
	for _, namespace := range list.Items {
		if strings.HasPrefix(namespace.Name, begun) {
			names = append(names, namespace.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func completeKinds(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	shipped, err := rules.BuiltInRules()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, rule := range shipped {
		names = append(names, kindName(rule.Spec.Target))
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// offer completes the values of a flag.
func (o *options) offer(c *cobra.Command, flag string, values ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(errors.New("the command has no flag " + flag))
	}
}
