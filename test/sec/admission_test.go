package sec

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/controllers/readinessgate"
	"github.com/aliascheck/aliascheck/internal/controlplane"
)

const managerUser = "system:serviceaccount:aliascheck-system:aliascheck-controller-manager"

// The rights of the ServiceAccount would let whoever has its token send the traffic of any Service elsewhere and, where Jobs
// are allowed, run pods of his own. The policy does not.
func TestTheAdmissionPolicyHoldsTheManagerToItsOwnConditionsAndJobs(t *testing.T) {
	g := NewWithT(t)
	applied(t, filepath.Join(controlplane.Root(), "config", "components", "admission-policy", "policy.yaml"))
	manager, namespace := asUser(t, managerUser), newNamespace(t, "held")
	pod := gatedPod(namespace, "db")
	create(t, pod)
	create(t, job(namespace, "stranger", nil))

	dry := client.NewDryRunClient(manager) // the policy needs a moment to be in force
	ofHealthCheck := owner("health.aliascheck.dev/v1alpha1", "HealthCheck")
	for _, refused := range []struct {
		says string
		try  func() error
	}{
		{"its own readiness gates alone", func() error { return patched(dry, pod, "Ready") }},
		{"only where that names it", func() error { return patched(dry, pod, "health.aliascheck.dev/other") }},
		{"conditions alone", func() error {
			return merged(dry, pod, `{"status": {"podIP": "192.0.2.9", "podIPs": [{"ip": "192.0.2.9"}]}}`)
		}},
		{"no labels", func() error { return merged(dry, pod, `{"metadata": {"labels": {"app": "db"}}}`) }},
		{"of HealthChecks alone", func() error { return dry.Create(t.Context(), job(namespace, "mine", nil)) }},
		{"of HealthChecks alone", func() error {
			return dry.Create(t.Context(), job(namespace, "mine", owner("batch/v1", "CronJob")))
		}},
		{"of the cluster itself", func() error { return dry.Create(t.Context(), job("kube-system", "mine", ofHealthCheck)) }},
		{"of HealthChecks alone", func() error { return dry.Delete(t.Context(), job(namespace, "stranger", nil)) }},
	} {
		g.Eventually(refused.try, patience).Should(MatchError(And(
			ContainSubstring("ValidatingAdmissionPolicy"), ContainSubstring(refused.says))))
	}

	g.Expect(patched(manager, pod, "health.aliascheck.dev/db")).To(Succeed())
	g.Expect(live(t, pod)(g)).To(gateIs(corev1.ConditionTrue))
	own := job(namespace, "own", ofHealthCheck)
	g.Expect(manager.Create(t.Context(), own)).To(Succeed())
	g.Expect(manager.Delete(t.Context(), own)).To(Succeed())
	g.Expect(patched(api, pod, "Ready")).To(Succeed(), "of others nothing is held")

	for user, held := range map[string]bool{
		"shop:aliascheck-controller-manager":       true, // a team's own
		"shop:aliascheck-controller-manager-b":     true, // a second team's, with a nameSuffix
		"shop:aliascheck-controller-managers":      false,
		"shop:not-aliascheck-controller-manager":   false,
		"shop:not-aliascheck-controller-manager-b": false,
	} {
		account := client.NewDryRunClient(asUser(t, "system:serviceaccount:"+user))
		refused := Succeed()
		if held {
			refused = MatchError(ContainSubstring("ValidatingAdmissionPolicy"))
		}
		g.Eventually(func() error { return patched(account, pod, "ContainersReady") }, patience).Should(refused, user)
		g.Eventually(func() error { return account.Create(t.Context(), job(namespace, "mine", nil)) }, patience).Should(refused, user)
	}
}

// applied are the objects of a file until the test ends.
func applied(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := documents.Decode(object)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		create(t, object)
		t.Cleanup(func() {
			if err := api.Delete(context.Background(), object); err != nil {
				t.Error(err)
			}
		})
	}
}

// asUser is a client with the user name of a manager, or of somebody else, with all rights of the installed roles, and those for
// Jobs.
func asUser(t *testing.T, user string) client.Client {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: "as-manager-"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods/status"}, Verbs: []string{"patch"}},
		{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"create", "delete"}},
	}}
	create(t, role)
	create(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "as-manager-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
	config := rest.CopyConfig(plane.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	c, err := client.New(config, client.Options{Scheme: api.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// patched is what comes of writing a condition as the manager does.
func patched(c client.Client, pod *corev1.Pod, condition string) error {
	_, err := readinessgate.PatchConditions(context.Background(), c, pod, []corev1.PodCondition{{
		Type: corev1.PodConditionType(condition), Status: corev1.ConditionTrue, Reason: "Passing", LastTransitionTime: metav1.Now(),
	}})
	return err
}

func merged(c client.Client, pod *corev1.Pod, patch string) error {
	return c.Status().Patch(context.Background(), pod.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)))
}

func job(namespace, name string, owner *metav1.OwnerReference) *batchv1.Job {
	j := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: batchv1.JobSpec{Suspend: new(true), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "smoke", Image: "smoke:1"}},
		}}},
	}
	if owner != nil {
		j.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	return j
}

func owner(apiVersion, kind string) *metav1.OwnerReference {
	return &metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: "smoke", UID: "0c5d8a52-3a44-4d5e-8f0e-6c1d5be0a001",
		Controller: new(true)}
}
