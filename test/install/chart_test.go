// helm takes a minute or two to build: `make test-chart` builds it and runs this test, `make test` does not.
//go:build helm

package install_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// The commands of helm on the pages: the chart is installed, upgraded and uninstalled by them, from its folder instead of the
// registry of a release. Whatever helm does, CRDs and checks are never made anew.
func TestTheChartIsInstalledUpgradedAndUninstalledByTheCommandsOfThePages(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	g.SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	c := startCluster(t)
	install, upgrade, uninstall := helmOfThePages(t)

	c.helm(t, install)
	g.Expect(releases(t, c)).To(Equal([]helmRelease{{Name: "aliascheck", Revision: "1", Status: "deployed"}}))
	podsAreAdmitted(t, g, c, 2)
	objects := c.helm(t, "helm get manifest aliascheck --namespace "+systemNamespace)
	g.Expect(there(t, c, objects)).To(ContainElements(
		"deployment.apps/aliascheck-controller-manager", "serviceaccount/aliascheck-controller-manager",
		"clusterrole.rbac.authorization.k8s.io/aliascheck-manager-role",
		"clusterrolebinding.rbac.authorization.k8s.io/aliascheck-manager-rolebinding",
		"role.rbac.authorization.k8s.io/aliascheck-leader-election-role",
	))
	c.must(t, "", "wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
	c.must(t, "", "apply", "-f", filepath.Join(controlplane.Root(), "config", "samples", "quickstart"))
	kept := identities(t, c)

	c.must(t, "", "label", "namespace", systemNamespace, "pod-security.kubernetes.io/enforce=restricted") // as the page says
	c.helm(t, upgrade)
	g.Expect(releases(t, c)).To(Equal([]helmRelease{{Name: "aliascheck", Revision: "2", Status: "deployed"}}))
	podsAreAdmitted(t, g, c, 3)
	g.Expect(identities(t, c)).To(Equal(kept), "after the upgrade")

	c.helm(t, uninstall)
	leavesWhatThePageSays(t, g, c, objects)
	g.Expect(identities(t, c)).To(Equal(kept), "after uninstalling")

	c.helm(t, install) // goes on with them
	g.Expect(identities(t, c)).To(Equal(kept), "after installing again")
	c.helm(t, uninstall)
}

// leavesWhatThePageSays: of the chart's objects the CRDs stay when the release is uninstalled, and the sum of ClusterRoles, which
// kube-controller-manager writes again if it is deleted together with its parts.
func leavesWhatThePageSays(t *testing.T, g Gomega, c *cluster, objects string) {
	t.Helper()
	g.Expect(releases(t, c)).To(BeEmpty())
	g.Eventually(func() []string { return there(t, c, objects, "--ignore-not-found") }).Should(ConsistOf(
		"customresourcedefinition.apiextensions.k8s.io/healthchecks.health.aliascheck.dev",
		"customresourcedefinition.apiextensions.k8s.io/aliaschecks.health.aliascheck.dev",
		"customresourcedefinition.apiextensions.k8s.io/healthrules.health.aliascheck.dev",
		"clusterrole.rbac.authorization.k8s.io/aliascheck-target-reader-role",
	))
}

// helmOfThePages are the three commands of helm, with the chart of this repository.
func helmOfThePages(t *testing.T) (install, upgrade, uninstall string) {
	t.Helper()
	var found []string
	for _, page := range pagesToBeginWith {
		for _, one := range pasted(t, page) {
			if strings.HasPrefix(one.command, "helm ") {
				found = append(found, strings.ReplaceAll(one.command, "oci://ghcr.io/aliascheck/", ""))
			}
		}
	}
	for i, verb := range []string{"install", "upgrade", "uninstall"} {
		if len(found) != 3 || !strings.HasPrefix(found[i], "helm "+verb+" ") {
			t.Fatalf("the pages have %q: want helm install, upgrade and uninstall", found)
		}
	}
	return found[0], found[1], found[2]
}

// helm runs a command line of helm, which has to succeed, and returns what it printed.
func (c *cluster) helm(t *testing.T, line string) string {
	t.Helper()
	output, err := c.shell(t, line)
	if err != nil {
		t.Fatalf("%s: %v: %s", line, err, output)
	}
	return output
}

// helmRelease is a line of helm list.
type helmRelease struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
	Status   string `json:"status"`
}

func releases(t *testing.T, c *cluster) []helmRelease {
	t.Helper()
	var all []helmRelease
	if err := json.Unmarshal([]byte(c.helm(t, "helm list --all-namespaces --output json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// there are the names of those objects that exist; without a further argument one that does not is an error.
func there(t *testing.T, c *cluster, objects string, further ...string) []string {
	t.Helper()
	args := append([]string{"get", "--filename=-", "--namespace=" + systemNamespace, "--output=name"}, further...)
	return strings.Fields(c.must(t, objects, args...))
}

// identities are the UIDs of all CRDs and checks.
func identities(t *testing.T, c *cluster) []string {
	t.Helper()
	const nameAndUID = "--output=jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.uid} {end}"
	all := append(
		strings.Fields(c.must(t, "", "get", "crd", nameAndUID)),
		strings.Fields(c.must(t, "", "get", "healthchecks,aliaschecks", "--all-namespaces", nameAndUID))...,
	)
	if len(all) != 5 {
		t.Fatalf("there are %v: want three CRDs, a HealthCheck and an AliasCheck", all)
	}
	slices.Sort(all)
	return all
}
