package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/kinds"
)

// What the cases of test/kinds hold the pure function to is what the manager shows: it reads the objects through its cache,
// which keeps no more of them than the rules of their kind read. One kind of each file is enough: what differs between the
// kinds is data.
func TestTheManagerShowsTheHealthOfOtherPeoplesKinds(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(patience)
	namespace := newNamespace(t)
	chosen := chosenCases(t)
	g.Expect(len(chosen)).To(BeNumerically(">", 100), "cases that are tried")
	install(t, chosen)
	for name, c := range chosen {
		object := c.Object.DeepCopy()
		object.SetName(name)
		object.SetNamespace(namespace)
		g.Eventually(func() error { return client.IgnoreAlreadyExists(api.Create(t.Context(), object.DeepCopy())) }).Should(Succeed())
		alias := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		alias.Spec.TargetRef = &v1alpha1.TargetReference{APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Name: name}
		g.Expect(api.Create(t.Context(), alias)).To(Succeed())
	}
	manager := started(t)
	g.Eventually(func(g Gomega) {
		aliases := &v1alpha1.AliasCheckList{}
		g.Expect(api.List(t.Context(), aliases, client.InNamespace(namespace))).To(Succeed())
		for _, alias := range aliases.Items {
			c := chosen[alias.Name]
			g.Expect(alias.Status.State).To(Equal(c.Expect.State), "%s: %s: %s", c.Name, alias.Status.Reason, alias.Status.Message)
			if c.Expect.Reason != "" {
				g.Expect(alias.Status.Reason).To(Equal(c.Expect.Reason), "%s: %s", c.Name, alias.Status.Message)
			}
		}
	}).Should(Succeed())
	g.Expect(manager.Stop()).To(Succeed())
}

// chosenCases are, of the first kind of each file that a CRD can stand for, the first case for each state, by a name.
func chosenCases(t *testing.T) map[string]kinds.Case {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(controlplane.Root(), "test", "kinds", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	chosen := map[string]kinds.Case{}
	for _, file := range files {
		cases, err := kinds.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		var first schema.GroupVersionKind
		for _, c := range cases {
			kind := c.Object.GroupVersionKind()
			if first.Empty() && strings.Contains(kind.Group, ".") && !built(kind.Group) {
				first = kind
			}
			name := strings.ToLower(fmt.Sprintf("%s-%s-%s", strings.TrimSuffix(filepath.Base(file), ".yaml"), kind.Kind, c.Expect.State))
			if _, found := chosen[name]; kind == first && !found && asMade(c) {
				chosen[name] = c
			}
		}
	}
	return chosen
}

// built reports whether the API server has the kinds of a group itself.
func built(group string) bool {
	for _, name := range []string{
		"rbac.authorization", "admissionregistration", "apiextensions", "apiregistration", "certificates", "coordination", "discovery",
		"events", "flowcontrol.apiserver", "networking", "node", "resource", "scheduling", "storage", "storagemigration",
	} {
		if group == name+".k8s.io" {
			return true
		}
	}
	return false
}

// asMade reports whether an object can be made as it is: what the API server sets itself is as it sets it.
func asMade(c kinds.Case) bool {
	return c.Object.GetGeneration() <= 1 && c.Object.GetDeletionTimestamp() == nil && c.Object.GetLabels() == nil
}

// install makes a CRD for each kind, which takes objects as they are, and waits until all are served.
func install(t *testing.T, cases map[string]kinds.Case) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(apiextensionsv1.AddToScheme(api.Scheme())).To(Succeed())
	made := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, c := range cases {
		crd := definition(c.Object.GroupVersionKind())
		if made[crd.Name] != nil {
			continue
		}
		made[crd.Name] = crd
		g.Expect(api.Create(t.Context(), crd)).To(Succeed())
	}
	t.Cleanup(func() { // after the context of the test
		for _, crd := range made {
			g.Expect(client.IgnoreNotFound(api.Delete(context.Background(), crd))).To(Succeed())
		}
	})
	for name := range made {
		g.Eventually(func(g Gomega) {
			crd := &apiextensionsv1.CustomResourceDefinition{}
			g.Expect(api.Get(t.Context(), client.ObjectKey{Name: name}, crd)).To(Succeed())
			g.Expect(crd.Status.Conditions).To(ContainElement(And(
				HaveField("Type", apiextensionsv1.Established), HaveField("Status", apiextensionsv1.ConditionTrue))))
		}, patience).Should(Succeed())
	}
}

func definition(kind schema.GroupVersionKind) *apiextensionsv1.CustomResourceDefinition {
	plural := strings.ToLower(kind.Kind) + "s"
	crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{
		Name: plural + "." + kind.Group, Annotations: map[string]string{apiextensionsv1.KubeAPIApprovedAnnotation: "unapproved, a test"},
	}}
	crd.Spec = apiextensionsv1.CustomResourceDefinitionSpec{
		Group: kind.Group, Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Kind: kind.Kind},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
			Name: kind.Version, Served: true, Storage: true,
			Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
				Type: "object", XPreserveUnknownFields: new(true),
			}},
		}},
	}
	return crd
}
