package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

// managerUser is who the manager is where it is installed.
const managerUser = "system:serviceaccount:aliascheck-system:aliascheck-controller-manager"

// owner is who applies the objects of cases.
const owner = client.FieldOwner("conformance")

// cluster is what all cases share.
type cluster struct {
	client client.Client
	plane  *controlplane.ControlPlane
}

// startCluster runs a control plane, and the manager with no more permissions than it is installed with.
func startCluster(t *testing.T) cluster {
	t.Helper()
	plane, err := controlplane.Start(controlplane.Options{
		ControllerManager: true,
		// The one controller that it takes to extend the manager's permissions by labelled ClusterRoles.
		ControllerManagerFlags: []string{"--controllers=clusterrole-aggregation-controller"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	scheme := runtime.NewScheme()
	_, _ = clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)
	c := cluster{plane: plane}
	if c.client, err = client.New(plane.Config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "apply", "--server-side", "--force-conflicts", "--kustomize",
		filepath.Join(controlplane.Root(), "config", "default"))
	c.startManager(t)
	return c
}

func (c cluster) startManager(t *testing.T) {
	t.Helper()
	manager, err := blackbox.Start(c.managerKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := manager.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("errors in the manager's log:\n%s", errorsOf(manager.Log()))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := manager.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

// errorsOf is what the manager complained about.
func errorsOf(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"level":"error"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// managerKubeconfig is the administrator's, who acts as the manager.
func (c cluster) managerKubeconfig(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(c.plane.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = managerUser
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// installGatewayAPI installs the ReferenceGrant of the Gateway API, from the module that go.mod names.
func (c cluster) installGatewayAPI(t *testing.T) {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	list.Dir = controlplane.Root()
	output, err := list.Output()
	if err != nil {
		t.Fatalf("finding the module of the Gateway API: %v", err)
	}
	c.kubectl(t, "apply", "--server-side", "--filename", filepath.Join(string(bytes.TrimSpace(output)),
		"config", "crd", "standard", "gateway.networking.k8s.io_referencegrants.yaml"))
	c.kubectl(t, "wait", "--for=condition=Established", "crd/referencegrants.gateway.networking.k8s.io")
}

func (c cluster) kubectl(t *testing.T, args ...string) {
	t.Helper()
	command, err := c.plane.Kubectl(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("kubectl %v: %v: %s", args, err, output)
	}
}

// newNamespaces makes the two namespaces of a case, and returns the name of the first.
func (c cluster) newNamespaces(t *testing.T) string {
	t.Helper()
	first := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "case-"}}
	if err := c.client.Create(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	second := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: otherNamespace(first.Name)}}
	if err := c.client.Create(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	return first.Name
}

// apply makes an object be as a case has it, its status too where the case has one. A kind which was only
// just installed takes the API server a moment to serve.
func (c cluster) apply(ctx context.Context, g Gomega, home string, fields map[string]any) {
	object := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(fields)}
	if object.GetAPIVersion() == "" {
		object.SetAPIVersion(wellKnown[object.GetKind()])
	}
	g.Eventually(func() error {
		return c.place(object, home)
	}).WithTimeout(edgeBound).Should(Succeed(), "finding the kind of %s", object.GetName())
	g.Expect(c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), owner,
		client.ForceOwnership)).To(Succeed(), "applying %s %s", object.GetKind(), object.GetName())
	if status, found := fields["status"]; found {
		c.applyStatus(ctx, g, object, status)
	}
	if object.GetKind() == "CustomResourceDefinition" {
		g.Eventually(c.established(ctx, object)).WithTimeout(edgeBound).Should(BeTrue(), "establishing %s", object.GetName())
	}
}

func (c cluster) applyStatus(ctx context.Context, g Gomega, object *unstructured.Unstructured, status any) {
	only := bare(object.GetAPIVersion(), object.GetKind(), object.GetNamespace(), object.GetName())
	only.Object["status"] = status
	g.Expect(c.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(only), owner, client.ForceOwnership)).
		To(Succeed(), "applying the status of %s %s", object.GetKind(), object.GetName())
}

func (c cluster) established(ctx context.Context, crd *unstructured.Unstructured) func() bool {
	return func() bool {
		live := crd.DeepCopy()
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(crd), live); err != nil {
			return false
		}
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		for _, condition := range conditions {
			fields, _ := condition.(map[string]any)
			if fields["type"] == "Established" && fields["status"] == "True" {
				return true
			}
		}
		return false
	}
}

// place puts an object that says no namespace into the case's own, if its kind has namespaces.
func (c cluster) place(object *unstructured.Unstructured, home string) error {
	namespaced, err := c.client.IsObjectNamespaced(object)
	if err != nil {
		return fmt.Errorf("finding %s: %w", object.GroupVersionKind(), err)
	}
	if namespaced && object.GetNamespace() == "" {
		object.SetNamespace(home)
	}
	return nil
}

func (c cluster) referred(g Gomega, home string, ref Reference) *unstructured.Unstructured {
	object := bare(cmp.Or(ref.APIVersion, wellKnown[ref.Kind]), ref.Kind, ref.Namespace, ref.Name)
	g.Expect(c.place(object, home)).To(Succeed())
	return object
}

func bare(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// delete removes an object at once. One with a finalizer stays, and is being deleted from then on.
func (c cluster) delete(ctx context.Context, g Gomega, home string, ref Reference) {
	object := c.referred(g, home, ref)
	g.Expect(c.client.Delete(ctx, object, client.GracePeriodSeconds(0))).
		To(Succeed(), "deleting %s %s", ref.Kind, ref.Name)
	if ref.Kind == "CustomResourceDefinition" {
		g.Eventually(func() bool {
			return apierrors.IsNotFound(c.client.Get(ctx, client.ObjectKeyFromObject(object), object))
		}).WithTimeout(edgeBound).Should(BeTrue(), "deleting %s", ref.Name)
	}
}

func (c cluster) patch(ctx context.Context, g Gomega, home string, p Patch) {
	object := c.referred(g, home, p.Reference)
	data, err := json.Marshal(p.Merge)
	g.Expect(err).NotTo(HaveOccurred())
	patch := client.RawPatch(types.MergePatchType, data)
	if p.Subresource == "" {
		err = c.client.Patch(ctx, object, patch)
	} else {
		err = c.client.SubResource(p.Subresource).Patch(ctx, object, patch)
	}
	g.Expect(err).NotTo(HaveOccurred(), "patching %s %s", p.Kind, p.Name)
}

// differences are those of all expectations of a step.
func (c cluster) differences(ctx context.Context, home string, expected []Expectation) []string {
	var all []string
	for _, e := range expected {
		check := e.check()
		if err := c.client.Get(ctx, e.key(home), check.(client.Object)); err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, e.differences(check)...)
	}
	return all
}
