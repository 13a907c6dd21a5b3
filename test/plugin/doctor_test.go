package plugin

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

func TestDoctorSaysThatNobodyLeadsAndExitsWithOne(t *testing.T) {
	g := NewWithT(t)
	out, stderr, code := call(t, "doctor")
	g.Expect(code).To(Equal(1), stderr)
	g.Expect(out).To(ContainSubstring("WRONG no manager has ever led in namespace aliascheck-system"))
	g.Expect(out).To(ContainSubstring("ok    the CRDs are installed"))
	g.Expect(out).To(ContainSubstring("ok    the rights of the manager are not known: there is no ServiceAccount aliascheck-controller-manager"))
}

func TestDoctorFindsNothingWrongWhereAllIsAsInstalledAndExitsWithZero(t *testing.T) {
	g := NewWithT(t)
	installed(t, "well", "manager-role", "readiness-gates-role")
	out, stderr, code := call(t, "doctor", "--manager-namespace=well")
	g.Expect(code).To(BeZero(), out+stderr)
	g.Expect(golden(out)).To(And(
		ContainSubstring("ok  the-leader leads, and renewed the lease AGE ago"),
		ContainSubstring("checks have a status for their present spec"),
		MatchRegexp(`ok  the manager has the \d rights that it needs for what there is`)))
}

func TestDoctorNamesTheRightsThatAreMissingForEachKind(t *testing.T) {
	g := NewWithT(t)
	installed(t, "restricted", "manager-role")
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "batch-jobs"}})
	create(t, object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: nightly, namespace: batch-jobs}
spec: {targetRef: {apiVersion: batch/v1, kind: CronJob, name: nightly}}`))
	out, stderr, code := call(t, "doctor", "--manager-namespace=restricted")
	g.Expect(code).To(Equal(1), out+stderr)
	g.Expect(out).To(ContainSubstring("WRONG the manager may not get, list, watch cronjobs.batch in namespace batch-jobs\n"))
	g.Expect(out).To(ContainSubstring("WRONG the manager may not patch pods/status in namespace shop\n"))
	g.Expect(out).NotTo(ContainSubstring("healthchecks"))
}

// The checks of a shard without a manager stay as they are, green ones too.
func TestDoctorNamesAShardThatNobodyLeads(t *testing.T) {
	g := NewWithT(t)
	installed(t, "sharded", "manager-role", "readiness-gates-role")
	create(t, object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: moved, namespace: sharded, labels: {sharding.health.aliascheck.dev/key: far}}
spec: {targetRef: {name: web}}`))
	out, stderr, code := call(t, "doctor", "--manager-namespace=sharded")
	g.Expect(code).To(Equal(1), out+stderr)
	g.Expect(out).To(ContainSubstring("WRONG no manager of shard far has ever led in namespace sharded"))
	g.Expect(golden(out)).To(ContainSubstring("the-leader leads, and renewed the lease AGE ago"))
}

// Who may not ask for the rights of others is told so, and no more is wrong by that.
func TestDoctorWithoutTheRightToAskSaysSo(t *testing.T) {
	g := NewWithT(t)
	installed(t, "viewed", "manager-role", "readiness-gates-role")
	viewer(t, "viewer")
	out, stderr, code := call(t, "doctor", "--manager-namespace=viewed", "--as=viewer")
	g.Expect(code).To(BeZero(), out+stderr)
	g.Expect(out).To(And(
		ContainSubstring("ok    who leads cannot be read: "),
		ContainSubstring("ok    for you, Pods cannot be listed: "),
		ContainSubstring("ok    the rights of the manager cannot be asked for: ")))
}

// The manager says of its kinds which it may not read, in the statuses of the aliases; doctor says it once for each alias.
func TestDoctorNamesTheKindsThatAreForbidden(t *testing.T) {
	g := NewWithT(t)
	create(t, object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: of-a-secret, namespace: shop}
spec: {targetRef: {apiVersion: v1, kind: Secret, name: password}}`))
	installed(t, "well-read", "manager-role", "readiness-gates-role")
	out, code := "", 0
	g.Eventually(func() string {
		out, _, code = call(t, "doctor", "--manager-namespace=well-read")
		return out
	}, bound, "200ms").Should(ContainSubstring("\nWRONG AliasCheck/shop/of-a-secret: "))
	g.Expect(code).To(Equal(1))
	g.Expect(wrong(out)).To(Equal([]string{"WRONG AliasCheck/shop/of-a-secret: Secret/password is no target: the manager never reads a Secret"}))
}

func TestDoctorOfAClusterWithoutOurCRDsSaysSoAndExitsWithOne(t *testing.T) {
	g := NewWithT(t)
	bare, err := controlplane.Start(controlplane.Options{Bare: true})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(bare.Stop()).To(Succeed()) })
	out, stderr, code := call(t, "doctor", "--kubeconfig="+bare.Kubeconfig)
	g.Expect(code).To(Equal(1), stderr)
	g.Expect(out).To(Equal(`WRONG the CRD healthchecks.health.aliascheck.dev is not installed
WRONG the CRD aliaschecks.health.aliascheck.dev is not installed
WRONG the CRD healthrules.health.aliascheck.dev is not installed
WRONG no manager has ever led in namespace aliascheck-system (--manager-namespace names another)
`))
	_, stderr, code = call(t, "tree", "--kubeconfig="+bare.Kubeconfig)
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(Equal("kubectl aliascheck: aliascheck is not installed: the API server knows no HealthChecks\n"))
}

// wrong are the findings that are wrong.
func wrong(out string) []string {
	return slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool { return !strings.HasPrefix(line, "WRONG") })
}

func TestDoctorTellsOfAHealthRuleThatIsNotInForce(t *testing.T) {
	g := NewWithT(t)
	create(t, object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthRule
metadata: {name: unreadable}
spec:
  target: {group: example.com, kind: Thing}
  rules: [{when: "self.status.nothing.like(", state: Passing}]`))
	g.Eventually(func() string {
		out, _, _ := call(t, "doctor")
		return out
	}, bound, "200ms").Should(ContainSubstring("WRONG HealthRule unreadable is not in force (InvalidExpression): "))
}

func TestDoctorThatReachesNoAPIServerExitsWithTwo(t *testing.T) {
	g := NewWithT(t)
	_, stderr, code := call(t, "doctor", "--server=https://127.0.0.1:1")
	g.Expect(code).To(Equal(2))
	g.Expect(stderr).To(ContainSubstring("connection refused"))
}

// viewer is a user who may list checks, and nothing else.
func viewer(t *testing.T, user string) {
	t.Helper()
	create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"health.aliascheck.dev"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
	}})
	create(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	})
}

// installed is a namespace with what an installation has in it that doctor looks at: a lease that is renewed now, and a
// ServiceAccount with some of the roles of config/rbac.
func installed(t *testing.T, namespace string, roles ...string) {
	t.Helper()
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	create(t, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "manager.health.aliascheck.dev"},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("the-leader"), LeaseDurationSeconds: new(int32(600)), RenewTime: &metav1.MicroTime{Time: time.Now()},
		},
	})
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "aliascheck-controller-manager"}
	create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account.Name}})
	for _, name := range roles {
		role := roleOf(t, name)
		role.Name = namespace + "-" + name
		create(t, role)
		create(t, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{account},
		})
	}
}

// roleOf is a ClusterRole of config/rbac, as the markers of the source make it.
func roleOf(t *testing.T, name string) *rbacv1.ClusterRole {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(controlplane.Root(), "config", "rbac", "role.yaml"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for document := range strings.SplitSeq(string(text), "---\n") {
		role := &rbacv1.ClusterRole{}
		NewWithT(t).Expect(yaml.Unmarshal([]byte(document), role)).To(Succeed())
		if role.Name == name {
			return role
		}
	}
	t.Fatalf("config/rbac/role.yaml has no %s", name)
	return nil
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	NewWithT(t).Expect(yaml.Unmarshal([]byte(text), &object.Object)).To(Succeed())
	return object
}

// create creates an object for a test.
func create(t *testing.T, object client.Object) {
	t.Helper()
	NewWithT(t).Expect(api.Create(t.Context(), object)).To(Succeed())
	t.Cleanup(func() {
		NewWithT(t).Expect(client.IgnoreNotFound(api.Delete(context.WithoutCancel(t.Context()), object))).To(Succeed())
	})
}
