package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// ErrUnwell is what doctor found to be wrong; it has been printed. The exit code is 1.
var ErrUnwell = errors.New("something is wrong")

// unreportedFor is how long a new check may go without a status.
const unreportedFor = time.Minute

func (o *options) doctorCommand() *cobra.Command {
	manager := types.NamespacedName{Namespace: "aliascheck-system", Name: "aliascheck-controller-manager"}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check the installation: who leads, which statuses are not fresh, what may not be read. Exit code 1 if something is wrong.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			reader, err := o.client()
			if err != nil {
				return err
			}
			findings, err := diagnose(c.Context(), reader, manager, o.now())
			if err != nil {
				return err
			}
			if err := o.print(o.Out, findings, func() error { printFindings(o.Out, findings); return nil }); err != nil {
				return err
			}
			if slices.ContainsFunc(findings, func(f tree.Finding) bool { return f.Grave }) {
				return ErrUnwell
			}
			return nil
		},
	}
	c.Flags().StringVar(&manager.Namespace, "manager-namespace", manager.Namespace, "the namespace that the manager runs in")
	c.Flags().StringVar(&manager.Name, "manager-service-account", manager.Name, "the ServiceAccount that the manager runs as")
	o.addOutput(c)
	return c
}

func diagnose(ctx context.Context, reader client.Client, manager types.NamespacedName, now time.Time) ([]tree.Finding, error) {
	findings := crdFindings(ctx, reader)
	world, err := tree.Load(ctx, reader, "", now)
	if errors.Is(err, tree.ErrNotInstalled) { // what the CRDs' findings say already
		return append(findings, leaseFindings(ctx, reader, manager.Namespace, nil, now)...), nil
	}
	if err != nil {
		return nil, err
	}
	findings = append(findings, leaseFindings(ctx, reader, manager.Namespace, world, now)...)
	for _, problem := range world.Unread {
		findings = append(findings, tree.Fine("for you, "+problem))
	}
	findings = append(findings, findingsOf(world)...)
	findings = append(findings, rightsFindings(ctx, reader, world, manager)...)
	return append(findings, ruleFindings(ctx, reader)...), nil
}

func crdFindings(ctx context.Context, reader client.Reader) []tree.Finding {
	var findings []tree.Finding
	for _, plural := range []string{"healthchecks", "aliaschecks", "healthrules"} {
		name := plural + "." + v1alpha1.GroupVersion.Group
		crd := &apiextensionsv1.CustomResourceDefinition{}
		err := reader.Get(ctx, types.NamespacedName{Name: name}, crd)
		switch {
		case apierrors.IsNotFound(err):
			findings = append(findings, tree.Wrong("the CRD "+name+" is not installed"))
		case err != nil:
			findings = append(findings, tree.Fine(fmt.Sprintf("the CRD %s cannot be read: %v", name, err)))
		case !slices.Contains(crd.Status.StoredVersions, v1alpha1.GroupVersion.Version):
			findings = append(findings, tree.Wrong(fmt.Sprintf("the CRD %s stores %v, and not %s", name, crd.Status.StoredVersions, v1alpha1.GroupVersion.Version)))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, tree.Fine("the CRDs are installed, in version "+v1alpha1.GroupVersion.Version))
	}
	return findings
}

func leaseFindings(
	ctx context.Context, reader client.Reader, namespace string, world *tree.World, now time.Time,
) []tree.Finding {
	findings, err := tree.Leaders(ctx, reader, namespace, world.Shards(), now)
	if err != nil {
		return []tree.Finding{tree.Fine(fmt.Sprintf("who leads cannot be read: %v", err))}
	}
	return findings
}

// findings are the checks that have no fresh status, and the aliases whose target may not be read.
func findingsOf(w *tree.World) []tree.Finding {
	var stale, forbidden []string
	for id, check := range w.All() {
		id, status := id.From(""), check.CommonStatus()
		switch {
		case status.Reason == v1alpha1.ReasonKindForbidden:
			forbidden = append(forbidden, fmt.Sprintf("%s: %s", id, health.OneLine(status.Message)))
		case status.ObservedGeneration != check.GetGeneration() && w.At.Sub(check.GetCreationTimestamp().Time) > unreportedFor:
			stale = append(stale, id)
		}
	}
	slices.Sort(stale)
	slices.Sort(forbidden)
	var findings []tree.Finding
	if len(stale) > 0 {
		findings = append(findings, tree.Wrong(fmt.Sprintf("%d checks have no status for their present spec, such as %s", len(stale), stale[0])))
	} else {
		findings = append(findings, tree.Fine(fmt.Sprintf("all %d checks have a status for their present spec", len(w.Checks)+len(w.Alias))))
	}
	for _, text := range forbidden[:min(len(forbidden), maxForbidden)] {
		findings = append(findings, tree.Wrong(text))
	}
	if more := len(forbidden) - maxForbidden; more > 0 {
		findings = append(findings, tree.Wrong(fmt.Sprintf("and %d more aliases of kinds that may not be read", more)))
	}
	return findings
}

// maxForbidden is how many aliases with the same trouble are named.
const maxForbidden = 10

func ruleFindings(ctx context.Context, reader client.Reader) []tree.Finding {
	list := &v1alpha1.HealthRuleList{}
	if err := reader.List(ctx, list); err != nil {
		return []tree.Finding{tree.Fine(fmt.Sprintf("HealthRules cannot be listed: %v", err))}
	}
	var findings []tree.Finding
	for _, rule := range list.Items {
		c := meta.FindStatusCondition(rule.Status.Conditions, v1alpha1.ConditionAccepted)
		switch {
		case c == nil:
			findings = append(findings, tree.Wrong("HealthRule "+rule.Name+" has not been looked at by a manager"))
		case c.Status != "True":
			findings = append(findings, tree.Wrong(fmt.Sprintf("HealthRule %s is not in force (%s): %s", rule.Name, c.Reason, health.OneLine(c.Message))))
		}
	}
	return findings
}

func printFindings(out io.Writer, findings []tree.Finding) {
	for _, f := range findings {
		mark := "ok   "
		if f.Grave {
			mark = "WRONG"
		}
		fmt.Fprintln(out, mark, health.OneLine(f.Text))
	}
}
