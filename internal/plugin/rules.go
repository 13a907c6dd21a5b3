package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
	"github.com/aliascheck/aliascheck/internal/target/rules"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// builtIn is where a rule comes from that no HealthRule has replaced.
const builtIn = "built-in"

// ruleSource is the rules of one kind, and who says so.
type ruleSource struct {
	v1alpha1.HealthRuleSpec
	// Source is built-in, or the name of a HealthRule.
	Source string `json:"source"`
}

func (o *options) rulesCommand() *cobra.Command {
	offline := false
	c := &cobra.Command{
		Use:               "rules [KIND]",
		Short:             "Print what makes the objects of a kind Passing, Warning and Critical; without an argument, the kinds that have rules.",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeKinds,
		RunE: func(c *cobra.Command, args []string) error {
			all, err := o.rulesInForce(c.Context(), offline)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return o.print(o.Out, all, func() error { printKinds(o.Out, all); return nil })
			}
			some := o.ofKind(all, args[0], offline)
			if len(some) == 0 {
				return fmt.Errorf("no kind %s has rules: its objects are judged by what all kinds have in common", args[0])
			}
			return o.print(o.Out, some, func() error { printRules(o.Out, some); return nil })
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "only the built-in rules, without a cluster")
	o.addOutput(c)
	return c
}

// ofKind are the rules of a kind, by its name or, where there is a cluster to ask, by any name that kubectl knows.
func (o *options) ofKind(all []ruleSource, name string, offline bool) []ruleSource {
	named := func(kind string) []ruleSource {
		return slices.DeleteFunc(slices.Clone(all), func(r ruleSource) bool {
			return !strings.EqualFold(r.Target.Kind, kind) && !strings.EqualFold(kindName(r.Target), kind)
		})
	}
	if some := named(name); len(some) > 0 || offline {
		return some
	}
	mapping, err := o.mappingOf(name)
	if err != nil {
		return nil
	}
	return named(kindName(v1alpha1.HealthRuleTarget{Group: mapping.GroupVersionKind.Group, Kind: mapping.GroupVersionKind.Kind}))
}

// rulesInForce are the built-in rules, with those of the cluster in their place. One that is not accepted is not in force.
func (o *options) rulesInForce(ctx context.Context, offline bool) ([]ruleSource, error) {
	shipped, err := rules.BuiltInRules()
	if err != nil {
		return nil, err
	}
	byTarget := map[v1alpha1.HealthRuleTarget]ruleSource{}
	for _, rule := range shipped {
		byTarget[rule.Spec.Target] = ruleSource{rule.Spec, builtIn}
	}
	if !offline {
		reader, err := o.client()
		if err != nil {
			return nil, err
		}
		list := &v1alpha1.HealthRuleList{}
		if err := reader.List(ctx, list); err != nil && !meta.IsNoMatchError(err) {
			return nil, fmt.Errorf("listing HealthRules (--offline does without them): %w", err)
		}
		for _, rule := range list.Items {
			if meta.IsStatusConditionTrue(rule.Status.Conditions, v1alpha1.ConditionAccepted) {
				byTarget[rule.Spec.Target] = ruleSource{rule.Spec, "HealthRule " + rule.Name}
			}
		}
	}
	all := make([]ruleSource, 0, len(byTarget))
	for _, rule := range byTarget {
		all = append(all, rule)
	}
	slices.SortFunc(all, func(a, b ruleSource) int {
		return strings.Compare(a.Target.Group+"/"+a.Target.Kind, b.Target.Group+"/"+b.Target.Kind)
	})
	return all, nil
}

func printKinds(out io.Writer, all []ruleSource) {
	for _, r := range all {
		fmt.Fprintf(out, "%s\t%s\n", kindName(r.Target), r.Source)
	}
}

func kindName(t v1alpha1.HealthRuleTarget) string {
	if t.Group == "" {
		return t.Kind
	}
	return t.Kind + "." + t.Group
}

func printRules(out io.Writer, some []ruleSource) {
	for _, r := range some {
		fmt.Fprintf(out, "%s (%s), the first that holds decides:\n", kindName(r.Target), r.Source)
		for i, rule := range r.Rules {
			fmt.Fprintf(out, "  %2d  %s%s\n      when %s\n", i, rule.State, tree.InParentheses(rule.Reason),
				strings.Join(strings.Fields(rule.When), " "))
		}
	}
}

// evaluation is what the rules say of one object.
type evaluation struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	State   string `json:"state,omitempty"` // absent where rules are not what decides
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// By is what decided, and of which rules it is.
	By string `json:"by"`
}

func (o *options) evalCommand() *cobra.Command {
	file, ruleFile := "", ""
	c := &cobra.Command{
		Use:               "eval KIND/NAME | -f OBJECT.yaml",
		Short:             "Say what the rules say of an object now, and which rule decided; offline for an object in a file.",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if (file == "") == (len(args) == 0) {
				return errors.New("name an object, as KIND/NAME, or a file with -f")
			}
			objects, err := o.objectsToJudge(c.Context(), file, args)
			if err != nil {
				return err
			}
			all, err := o.rulesFor(c.Context(), file != "", ruleFile)
			if err != nil {
				return err
			}
			return o.judge(objects, all)
		},
	}
	c.Flags().StringVarP(&file, "filename", "f", "", "a file of objects instead of one of the cluster; - for stdin")
	c.Flags().StringVar(&ruleFile, "rules", "", "a file with a HealthRule to try on top of the others")
	o.addOutput(c)
	return c
}

func (o *options) rulesFor(ctx context.Context, offline bool, file string) ([]ruleSource, error) {
	all, err := o.rulesInForce(ctx, offline)
	if err != nil || file == "" {
		return all, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading --rules: %w", err)
	}
	rule := v1alpha1.HealthRule{}
	if err := yaml.UnmarshalStrict(content, &rule); err != nil {
		return nil, fmt.Errorf("reading the HealthRule in %s: %w", file, err)
	}
	return append([]ruleSource{{rule.Spec, file}}, all...), nil
}

func (o *options) objectsToJudge(ctx context.Context, file string, args []string) ([]*unstructured.Unstructured, error) {
	if file != "" {
		return o.objectsOf(file)
	}
	namespace, err := o.namespace()
	if err != nil {
		return nil, err
	}
	object, err := o.object(ctx, args[0], namespace)
	if err != nil {
		return nil, err
	}
	return []*unstructured.Unstructured{object}, nil
}

// object reads one object of the cluster by the names of kinds that kubectl knows.
func (o *options) object(ctx context.Context, argument, namespace string) (*unstructured.Unstructured, error) {
	resource, name, both := strings.Cut(argument, "/")
	if !both {
		return nil, fmt.Errorf("%q is not KIND/NAME, such as deployment/web", argument)
	}
	mapping, err := o.mappingOf(resource)
	if err != nil {
		return nil, fmt.Errorf("finding the kind %s: %w", resource, err)
	}
	reader, err := o.client()
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(mapping.GroupVersionKind)
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		key.Namespace = ""
	}
	if err := reader.Get(ctx, key, object); err != nil {
		return nil, fmt.Errorf("reading %s: %w", argument, err)
	}
	return object, nil
}

func (o *options) objectsOf(file string) ([]*unstructured.Unstructured, error) {
	source := o.In
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("opening the file: %w", err)
		}
		defer func() { _ = opened.Close() }()
		source = opened
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(source))
	var objects []*unstructured.Unstructured
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return nil, fmt.Errorf("reading an object of %s: %w", file, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

func (o *options) judge(objects []*unstructured.Unstructured, all []ruleSource) error {
	evaluations := make([]evaluation, 0, len(objects))
	for _, object := range objects {
		e, err := evaluate(object, all)
		if err != nil {
			return err
		}
		evaluations = append(evaluations, e)
	}
	return o.print(o.Out, evaluations, func() error {
		for _, e := range evaluations {
			printEvaluation(o.Out, e)
		}
		return nil
	})
}

func printEvaluation(out io.Writer, e evaluation) {
	if e.State == "" {
		fmt.Fprintf(out, "%s/%s is judged by %s\n", e.Kind, health.OneLine(e.Name), e.By)
		return
	}
	fmt.Fprintf(out, "%s/%s is %s%s: %s\n  decided by %s\n",
		e.Kind, health.OneLine(e.Name), e.State, tree.InParentheses(e.Reason), tree.OrDash(e.Message), e.By)
}

// ownWay is what decides the state of objects that no rules are for.
var ownWay = map[schema.GroupKind]string{
	{Group: v1alpha1.GroupVersion.Group, Kind: tree.KindHealthCheck}: "its probes, and not by rules: see kubectl aliascheck why",
	{Group: v1alpha1.GroupVersion.Group, Kind: tree.KindAliasCheck}:  "its targets, and not by rules: see kubectl aliascheck why",
	{Kind: tree.KindService}: "its endpoints and the HealthChecks whose serviceRef names it, and not by rules: an AliasCheck of it has its state",
	{Kind: tree.KindNode}:    "its conditions and the HealthChecks whose nodeName names it, and not by rules: an AliasCheck of it has its state",
}

func evaluate(object *unstructured.Unstructured, all []ruleSource) (evaluation, error) {
	kind := object.GroupVersionKind()
	if way, own := ownWay[kind.GroupKind()]; own {
		return evaluation{Kind: kind.Kind, Name: object.GetName(), By: way}, nil
	}
	source, set := "what all kinds have in common, for "+kind.Kind+" has no rules", (*rules.Set)(nil)
	at := slices.IndexFunc(all, func(r ruleSource) bool {
		return r.Target.Group == kind.Group && r.Target.Kind == kind.Kind
	})
	if at >= 0 {
		compiled, err := rules.Compile(all[at].Rules)
		if err != nil {
			return evaluation{}, fmt.Errorf("%s: %w", all[at].Source, err)
		}
		source, set = "the "+fmt.Sprint(len(all[at].Rules))+" rules of "+kind.Kind+", "+all[at].Source, compiled
	}
	found := evidence.Of(object, set)
	state := string(found.State)
	if state == "" {
		state = string(v1alpha1.StateUnknown) + ", or whenUnreported of the alias"
	}
	by := found.By
	if by == "" {
		by = "nothing"
	}
	return evaluation{kind.Kind, object.GetName(), state, found.Reason, health.OneLine(found.Message), by + " of " + source}, nil
}
