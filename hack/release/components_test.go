package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// config is the folder of the kustomizations, and chart that of the chart that is committed.
var (
	config = filepath.Join("..", "..", "config")
	chart  = filepath.Join("..", "..", "charts", "aliascheck")
)

// rendered is what kustomize renders of the installation with components, without the namespace, which Helm makes.
func rendered(t *testing.T, components ...string) map[string]object {
	t.Helper()
	text := "resources: [../default]\ncomponents:\n"
	for _, component := range components {
		text += "- ../components/" + component + "\n"
	}
	return renderedFrom(t, text)
}

// renderedFrom is what kustomize renders of a kustomization.
func renderedFrom(t *testing.T, text string) map[string]object {
	t.Helper()
	manifest, err := manifestOf(t, text)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := objectsOf(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return byID(slices.DeleteFunc(objects, func(o object) bool { return o.kind() == "Namespace" }))
}

func manifestOf(t *testing.T, text string) ([]byte, error) {
	t.Helper()
	//nolint:usetesting // a kustomization may only name folders of its own tree
	folder, err := os.MkdirTemp(config, ".test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return render(folder)
}

func byID(objects []object) map[string]object {
	ids := map[string]object{}
	for _, o := range objects {
		inside(o.metadata(), "labels")
		inside(o.metadata(), "annotations")
		ids[o.id()] = o
	}
	return ids
}

func TestTheChartThatIsCommittedIsTheOneThatIsGenerated(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "chart")
	if err := writeChart(config, fresh); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), "diff", "-r", fresh, chart).CombinedOutput(); err != nil {
		t.Errorf("run make generate: %v\n%s", err, output)
	}
}

// A component may be for any kustomization of a user's, so each has to stand beside all others.
func TestAllComponentsStandBesideEachOther(t *testing.T) {
	names := besideEachOther(t)
	objects := rendered(t, names...)
	for _, target := range names {
		if strings.HasPrefix(target, targetsPrefix) {
			role := objects["ClusterRole <nil>/aliascheck-"+target]
			if role == nil || inside(role.metadata(), "labels")["health.aliascheck.dev/aggregate-to-manager"] != "true" {
				t.Errorf("%s is summed up nowhere", target)
			}
		}
	}
}

// docs/install.md says so.
func TestEachComponentHasAValueOfTheChart(t *testing.T) {
	v := variants{config: config}
	targets, err := v.targets()
	if err != nil {
		t.Fatal(err)
	}
	// Values that change the manager itself, and a kustomization of its own.
	names := map[string]bool{"no-readiness-gates": true, "metrics-certificate": true, "namespaced": true, "shard": true}
	for _, a := range additions(targets) {
		names[strings.TrimPrefix(a.component, "components/")] = true
	}
	for _, folder := range componentNames(t) {
		if !names[folder] {
			t.Errorf("component %s has no value", folder)
		}
	}
}

func componentNames(t *testing.T) []string {
	t.Helper()
	folders, err := os.ReadDir(filepath.Join(config, "components"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("%d components: %v", len(folders), err)
	}
	var names []string
	for _, folder := range folders {
		if folder.IsDir() {
			names = append(names, folder.Name())
		}
	}
	return names
}

// endpointIn is what Prometheus scrapes, as a ServiceMonitor among objects says.
func endpointIn(t *testing.T, objects map[string]object) map[string]any {
	t.Helper()
	for _, o := range objects {
		if o.kind() == "ServiceMonitor" {
			return inside(o, "spec")["endpoints"].([]any)[0].(map[string]any)
		}
	}
	t.Fatal("there is no ServiceMonitor")
	return nil
}

// inAnotherNamespace is the kustomization of docs/install.md that has the certificate verified there.
var inAnotherNamespace = regexp.MustCompile("(?s)```yaml\n(namespace: [^`]*serverName[^`]*)```")

// The name that Prometheus asks for is the one that the Service has.
func TestTheCertificateOfTheMetricsIsVerifiedWhereThereIsOne(t *testing.T) {
	alone := inside(endpointIn(t, rendered(t, "monitoring")), "tlsConfig")
	if !maps.Equal(alone, map[string]any{"insecureSkipVerify": true}) {
		t.Errorf("a certificate that the manager has made up is verified by %v", alone)
	}
	documented := inAnotherNamespace.FindSubmatch(content(t, filepath.Join("..", "..", "docs", "install.md")))
	if documented == nil {
		t.Fatal("docs/install.md does not say how a certificate is verified in another namespace")
	}
	elsewhere := regexp.MustCompile(`https://\S+//config/(\S+)\?ref=v[\d.]+`).ReplaceAllString(string(documented[1]), "../$1")
	for _, objects := range []map[string]object{rendered(t, "monitoring", "metrics-certificate"), renderedFrom(t, elsewhere)} {
		tls := inside(endpointIn(t, objects), "tlsConfig")
		var host string
		for _, o := range objects {
			if o.kind() == "Service" {
				host = fmt.Sprint(o.name(), ".", o.metadata()["namespace"], ".svc")
			}
		}
		if len(tls) != 2 || tls["serverName"] != host || inside(tls, "ca", "secret")["key"] != "ca.crt" {
			t.Errorf("%v; want %s, with the authority of the Secret", tls, host)
		}
	}
}

// besideEachOther are all components but two, which take things out that others change.
func besideEachOther(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(componentNames(t), func(name string) bool { return name == "namespaced" || name == "shard" })
}

// The wallboard runs a binary that is beside the manager's in its image.
func TestTheWallboardRunsWhatTheImageHas(t *testing.T) {
	objects := rendered(t, "wallboard")
	container := func(name string) object {
		deployment := objects["Deployment aliascheck-system/"+name]
		if deployment == nil {
			t.Fatalf("there is no Deployment %s in %v", name, slices.Sorted(maps.Keys(objects)))
		}
		spec := inside(deployment, "spec", "template", "spec")
		return object(spec["containers"].([]any)[0].(map[string]any))
	}
	wallboard, manager := container("aliascheck-wallboard"), container("aliascheck-controller-manager")
	if wallboard["image"] != manager["image"] {
		t.Errorf("it runs %v; want the manager's image, %v", wallboard["image"], manager["image"])
	}
	command := fmt.Sprint(wallboard["command"])
	if !strings.Contains(imagePackages, "./cmd"+strings.Trim(command, "[]")) {
		t.Errorf("it runs %s; the image has %s", command, imagePackages)
	}
	dockerfile := string(content(t, filepath.Join("..", "..", "Dockerfile")))
	makefile := string(content(t, filepath.Join("..", "..", "Makefile")))
	for pkg := range strings.SplitSeq(imagePackages, ",") {
		name := filepath.Base(pkg)
		if !strings.Contains(dockerfile, "COPY bin/docker/"+name+" /"+name+"\n") {
			t.Errorf("the Dockerfile does not have %s", pkg)
		}
		if !regexp.MustCompile(`(?m)OUT=bin/docker .*` + regexp.QuoteMeta(pkg) + `( |$)`).MatchString(makefile) {
			t.Errorf("make docker-build does not build %s", pkg)
		}
	}
	if bases := regexp.MustCompile(`(?m)^FROM .*`).FindAllString(dockerfile, -1); !slices.Equal(bases, []string{"FROM scratch"}) {
		t.Errorf("the image is built %v: a base image would have to be pinned by its digest", bases)
	}
}

func TestTheRightsInANamespaceAreOfThatNamespace(t *testing.T) {
	manifest, err := render(filepath.Join(config, "components", "namespaced", "rights"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := objectsOf(manifest)
	if err != nil || len(objects) == 0 {
		t.Fatalf("%d objects: %v", len(objects), err)
	}
	for _, o := range objects {
		if kind := o.kind(); kind != "Role" && kind != "RoleBinding" {
			t.Errorf("%s is not of one namespace", o.id())
		}
	}
}

// bindingVariants are installations whose bindings could lose their role or their account on the way.
var bindingVariants = []string{
	"components: [../components/namespaced]\n",
	"namespace: shop\ncomponents: [../components/namespaced]\n",
	"namespace: shop\ncomponents: [../components/namespaced, ../components/secret-reader, ../components/configmap-reader, ../components/job-runner]\n",
	"namespace: shop\ncomponents: [../components/secret-reader, ../components/configmap-reader, ../components/job-runner, ../components/namespaced]\n",
	"namespace: shop\nnameSuffix: -b\ncomponents: [../components/namespaced, ../components/secret-reader, ../components/configmap-reader, ../components/job-runner]\n",
	"namespace: shop\nnameSuffix: -b\ncomponents: [../components/job-probes, ../components/namespaced]\n",
	"components: [../components/no-readiness-gates]\n",
	"components: [../components/job-probes, ../components/monitoring, ../components/wallboard]\n",
	"namespace: health\nnamePrefix: our-\ncomponents: [../components/job-probes, ../components/secret-reader]\n",
}

// A binding whose role or ServiceAccount is not there gives no rights, or gives them to somebody else, and says so nowhere.
func TestEveryBindingOfAVariantFindsItsRoleAndItsAccount(t *testing.T) {
	all := "namespace: health\ncomponents: [../components/" + strings.Join(besideEachOther(t), ", ../components/") + "]\n"
	for _, lines := range append(slices.Clone(bindingVariants), all) {
		objects := renderedFrom(t, "resources: [../default]\n"+lines)
		if strings.Contains(lines, "namespaced") {
			maps.Copy(objects, renderedFrom(t, "resources: [../components/namespaced/cluster]\n"))
		}
		for id, o := range objects {
			if kind := o.kind(); kind != "RoleBinding" && kind != "ClusterRoleBinding" {
				continue
			}
			if role := roleOf(o); objects[role] == nil {
				t.Errorf("%s%s: there is no %s", lines, id, role)
			}
			for _, account := range accountsOf(o) {
				if objects[account] == nil {
					t.Errorf("%s%s: there is no %s", lines, id, account)
				}
			}
		}
	}
}

// A shard has no account of its own: it is that of the installation in the same namespace.
func TestTheLeaseOfAShardIsForTheAccountOfTheInstallation(t *testing.T) {
	for _, lines := range []string{"", "namespace: health\n"} {
		lines = "resources: [../default]\n" + lines
		installation := renderedFrom(t, lines)
		shard := renderedFrom(t, lines+"components: [../components/shard]\nnameSuffix: -a\n")
		bindings := 0
		for id, o := range shard {
			if o.kind() != "RoleBinding" {
				continue
			}
			bindings++
			if role := roleOf(o); shard[role] == nil {
				t.Errorf("%s%s: there is no %s", lines, id, role)
			}
			for _, account := range accountsOf(o) {
				if installation[account] == nil {
					t.Errorf("%s%s: there is no %s", lines, id, account)
				}
			}
		}
		if bindings == 0 {
			t.Errorf("%sthe shard has no right to a lease", lines)
		}
	}
}

// A team's own manager asks who scrapes its metrics, and has no other right in the cluster, whatever it may in its namespace.
func TestTheNamespacedVariantBindsOneRoleInTheCluster(t *testing.T) {
	for _, lines := range bindingVariants {
		if !strings.Contains(lines, "namespaced") {
			continue
		}
		for id, o := range renderedFrom(t, "resources: [../default]\n"+lines) {
			if o.kind() == "ClusterRoleBinding" && !strings.Contains(roleOf(o), "/aliascheck-metrics-auth-role") {
				t.Errorf("%s%s gives %s in the cluster", lines, id, roleOf(o))
			}
		}
	}
}

// What is for all namespaces is not for a team's manager: it becomes a right in its namespace, or is refused.
func TestJobsInEveryNamespaceAreNotForATeam(t *testing.T) {
	const lines = "namespace: shop\nresources: [../default]\n"
	if renderedFrom(t, lines+"components: [../components/job-probes, ../components/namespaced]\n")["RoleBinding shop/aliascheck-job-probes"] == nil {
		t.Error("before namespaced it gives no right in the namespace")
	}
	_, err := manifestOf(t, lines+"components: [../components/namespaced, ../components/job-probes]\n")
	if err == nil || !strings.Contains(err.Error(), "aliascheck-job-probes-role") {
		t.Errorf("behind namespaced it is accepted: %v", err)
	}
}

// roleOf a binding is the id of what it binds.
func roleOf(binding object) string {
	reference, namespace := inside(binding, "roleRef"), any(nil)
	if reference["kind"] == "Role" {
		namespace = binding.metadata()["namespace"]
	}
	return fmt.Sprint(reference["kind"], " ", namespace, "/", reference["name"])
}

// accountsOf a binding are the ids of the ServiceAccounts that it gives rights to.
func accountsOf(binding object) []string {
	var accounts []string
	for _, subject := range binding["subjects"].([]any) {
		if who := subject.(map[string]any); who["kind"] == "ServiceAccount" {
			namespace := who["namespace"]
			if namespace == nil { // in a RoleBinding it is that of the binding
				namespace = binding.metadata()["namespace"]
			}
			accounts = append(accounts, fmt.Sprint("ServiceAccount ", namespace, "/", who["name"]))
		}
	}
	return accounts
}

// What a check says when it may not read a Secret, or the page that it leads to, names a component: it has to be there.
func TestTheComponentsThatMessagesAndPagesNameAreThere(t *testing.T) {
	named := regexp.MustCompile(`config/components/([a-z-]+)`)
	for _, pattern := range []string{"internal/probe/*.go", "docs/*.md", "config/samples/*.yaml"} {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pattern)))
		found := 0
		for _, file := range files {
			for _, name := range named.FindAllStringSubmatch(string(content(t, file)), -1) {
				found++
				folders, err := filepath.Glob(filepath.Join(config, "components", name[1]+"*", "kustomization.yaml")) // targets- are many
				if err != nil || len(folders) == 0 {
					t.Errorf("%s names %s, which is not there: %v", file, name[0], err)
				}
			}
		}
		if err != nil || found == 0 {
			t.Errorf("%s names no component: %v", pattern, err)
		}
	}
}
