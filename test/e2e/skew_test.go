package e2e

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// An upgrade begins with the CRDs, and a rollback ends with them: meanwhile the manager meets those of another version.

// Older CRDs drop what the manager writes and they do not know.
func TestAManagerWorksWithOlderCRDs(t *testing.T) {
	forget := func(schema *apiextensionsv1.JSONSchemaProps) {
		status := schema.Properties["status"]
		delete(status.Properties, "pending")
		delete(status.Properties, "lastProbeTime")
		delete(status.Properties, "culprit")
		schema.Properties["status"] = status
	}
	editCRDs(t, forget, `status: {pending: x, lastProbeTime: "2026-01-01T00:00:00Z"}`, false)
	pairFollows(t, `{}`)
}

// Newer CRDs have fields that the manager does not know: they stay as users have set them.
func TestAManagerLeavesTheFieldsOfNewerCRDsAlone(t *testing.T) {
	learn := func(schema *apiextensionsv1.JSONSchemaProps) {
		spec := schema.Properties["spec"]
		spec.Properties["later"] = apiextensionsv1.JSONSchemaProps{Type: "string"}
		schema.Properties["spec"] = spec
	}
	editCRDs(t, learn, `spec: {later: set, tcp: {address: "db:5432"}}`, true)
	for _, live := range pairFollows(t, `{"spec": {"later": "set"}}`) {
		later, _, err := unstructured.NestedString(live.Object, "spec", "later")
		NewWithT(t).Expect(later, err).To(Equal("set"), live.GetKind())
	}
}

// editCRDs changes the schemas of HealthChecks and AliasChecks until the test ends, and waits until the API server goes by
// them: until a HealthCheck of this text is taken, or not.
func editCRDs(t *testing.T, edit func(*apiextensionsv1.JSONSchemaProps), text string, taken bool) {
	t.Helper()
	g := NewWithT(t)
	isTaken := func() bool { return strictly(t, text) == nil }
	t.Cleanup(func() { g.Eventually(isTaken, patience).Should(Equal(!taken)) }) // after the schemas were put back
	for _, name := range []string{"healthchecks.health.aliascheck.dev", "aliaschecks.health.aliascheck.dev"} {
		replaceSchema(t, name, edit)
	}
	g.Eventually(isTaken, patience).Should(Equal(taken))
}

// replaceSchema puts the one that was there back when the test ends.
func replaceSchema(t *testing.T, name string, edit func(*apiextensionsv1.JSONSchemaProps)) {
	t.Helper()
	g, ctx := NewWithT(t), context.WithoutCancel(t.Context()) // a cleanup comes after the test's end
	update := func(schema func(was *apiextensionsv1.JSONSchemaProps) *apiextensionsv1.JSONSchemaProps) {
		g.Eventually(func() error {
			crd := &apiextensionsv1.CustomResourceDefinition{}
			if err := api.Get(ctx, client.ObjectKey{Name: name}, crd); err != nil {
				return err
			}
			validation := crd.Spec.Versions[0].Schema
			validation.OpenAPIV3Schema = schema(validation.OpenAPIV3Schema)
			return api.Update(ctx, crd)
		}, patience).Should(Succeed())
	}
	var before *apiextensionsv1.JSONSchemaProps
	update(func(was *apiextensionsv1.JSONSchemaProps) *apiextensionsv1.JSONSchemaProps {
		before = was.DeepCopy()
		edit(was)
		return was
	})
	t.Cleanup(func() {
		update(func(*apiextensionsv1.JSONSchemaProps) *apiextensionsv1.JSONSchemaProps { return before })
	})
}

// strictly asks whether the API server knows all fields of a HealthCheck.
func strictly(t *testing.T, text string) error {
	t.Helper()
	check := &unstructured.Unstructured{}
	manifest := "apiVersion: health.aliascheck.dev/v1alpha1\nkind: HealthCheck\nmetadata: {name: it, namespace: default}\n" +
		"spec: {tcp: {address: \"db:5432\"}}\n"
	if err := yaml.Unmarshal([]byte(manifest), &check.Object); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(text), &check.Object); err != nil {
		t.Fatal(err)
	}
	return api.Create(context.WithoutCancel(t.Context()), check, client.DryRunAll, client.FieldValidation("Strict"))
}

// pairFollows makes a check and its alias, which it patches, sees them follow a server that breaks, and
// that nothing is written while nothing changes. It returns both.
func pairFollows(t *testing.T, patch string) []*unstructured.Unstructured {
	t.Helper()
	url, well := subject(t)
	l := begin(t, "--resync-interval=1s")
	check := l.create(`{kind: HealthCheck, metadata: {name: web}, spec: {interval: 1s, failureThreshold: 2, http: {url: "` + url + `"}}}`)
	alias := l.create(`{kind: AliasCheck, metadata: {name: front}, spec: {targetRef: {name: web}}}`)
	l.edit(check, patch)
	l.edit(alias, patch)
	states := func() [2]string { return [2]string{l.stateOf(check), l.stateOf(alias)} }
	for _, round := range []struct {
		well  bool
		state v1alpha1.State
	}{{true, v1alpha1.StatePassing}, {false, v1alpha1.StateCritical}, {true, v1alpha1.StatePassing}} {
		well.Store(round.well)
		l.Eventually(states, patience).Should(Equal([2]string{string(round.state), string(round.state)}))
	}
	l.settles(check, alias)
	return []*unstructured.Unstructured{l.read(check), l.read(alias)}
}

func (l life) read(object *unstructured.Unstructured) *unstructured.Unstructured {
	live := object.DeepCopy()
	l.Expect(api.Get(l.ctx, client.ObjectKeyFromObject(object), live)).To(Succeed())
	return live
}

func (l life) stateOf(object *unstructured.Unstructured) string {
	state, _, err := unstructured.NestedString(l.read(object).Object, "status", "state")
	l.Expect(err).NotTo(HaveOccurred())
	return state
}

// settles waits until five probes in a row have changed nothing of the objects.
func (l life) settles(objects ...*unstructured.Unstructured) {
	versions := func() (all []string) {
		for _, object := range objects {
			all = append(all, l.read(object).GetResourceVersion())
		}
		return all
	}
	probes := func() float64 {
		text, err := l.manager.Metrics(l.ctx)
		l.Expect(err).NotTo(HaveOccurred())
		return passed(text)
	}
	l.Eventually(func(g Gomega) {
		before, asked := versions(), probes()
		g.Eventually(probes, patience).Should(BeNumerically(">=", asked+5))
		g.Expect(versions()).To(Equal(before))
	}, patience).Should(Succeed(), "something is written though nothing changes")
}
