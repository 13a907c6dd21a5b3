package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// config is the folder of the kustomizations, and chart that of the chart that is committed.
var (
	config = filepath.Join("..", "..", "config")
	chart  = filepath.Join("..", "..", "charts", "aliascheck")
)

// builtHelm builds the pinned helm, which is there already where hack/test.sh runs this.
var builtHelm = sync.OnceValues(func() ([]byte, error) {
	return exec.Command(filepath.Join("..", "helm.sh")).CombinedOutput()
})

func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if output, err := builtHelm(); err != nil {
		t.Fatalf("building helm: %v: %s", err, output)
	}
	command := exec.CommandContext(t.Context(), filepath.Join("..", "..", "bin", "helm"), args...)
	home := t.TempDir() // nothing of whoever runs this
	command.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var output, complaint bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaint
	err := command.Run()
	return output.String() + complaint.String(), err
}

// templated is what the chart renders, without what Helm alone adds.
func templated(t *testing.T, settings ...string) map[string]object {
	t.Helper()
	args := []string{"template", "aliascheck", chart, "--namespace=" + systemNamespace}
	for _, setting := range settings {
		args = append(args, "--set", setting)
	}
	output, err := helm(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v: %s", strings.Join(args, " "), err, output)
	}
	objects, err := objectsOf([]byte(output))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		for _, label := range []string{"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"} {
			if _, has := inside(o.metadata(), "labels")[label]; !has {
				t.Errorf("%s has no label %s", o.id(), label)
			}
			delete(inside(o.metadata(), "labels"), label)
		}
		annotations := inside(o.metadata(), "annotations")
		if o.kind() == "CustomResourceDefinition" && annotations["helm.sh/resource-policy"] != "keep" {
			t.Errorf("%s goes with the release, and all checks with it", o.name())
		}
		delete(annotations, "helm.sh/resource-policy")
	}
	return byID(objects)
}

// rendered is what kustomize renders of the installation with components, without the namespace, which Helm makes.
func rendered(t *testing.T, components ...string) map[string]object {
	t.Helper()
	folder, err := os.MkdirTemp(config, ".test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	text := "resources: [../default]\ncomponents:\n"
	for _, component := range components {
		text += "- ../components/" + component + "\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest, err := render(folder)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := objectsOf(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return byID(slices.DeleteFunc(objects, func(o object) bool { return o.kind() == "Namespace" }))
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

func TestTheChartIsWithoutFault(t *testing.T) {
	if output, err := helm(t, "lint", "--strict", chart); err != nil {
		t.Errorf("helm lint: %v: %s", err, output)
	}
}

// Each choice of the chart is a component of the kustomizations, and makes the same objects of it.
func TestTheChartRendersWhatKustomizeDoes(t *testing.T) {
	for name, one := range map[string]struct{ settings, components []string }{
		"default":         {},
		"without gates":   {[]string{"readinessGates.enabled=false"}, []string{"no-readiness-gates"}},
		"jobs":            {[]string{"jobProbes.enabled=true"}, []string{"job-probes"}},
		"network policy":  {[]string{"networkPolicy.enabled=true"}, []string{"network-policy"}},
		"monitoring":      {[]string{"monitoring.enabled=true"}, []string{"monitoring"}},
		"targets":         {[]string{"targets={flux,cert-manager}"}, []string{"targets-flux", "targets-cert-manager"}},
		"two at once":     {[]string{"readinessGates.enabled=false", "targets={argo}"}, []string{"no-readiness-gates", "targets-argo"}},
		"the certificate": {[]string{"metrics.certificateSecret=aliascheck-metrics-certificate"}, []string{"metrics-certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := templated(t, one.settings...), rendered(t, one.components...)
			for _, id := range slices.Sorted(maps.Keys(want)) {
				if !reflect.DeepEqual(got[id], want[id]) {
					t.Errorf("%s: the chart has\n%v\nand kustomize\n%v", id, got[id], want[id])
				}
			}
			for id := range got {
				if want[id] == nil {
					t.Errorf("the chart alone has %s", id)
				}
			}
		})
	}
}

func TestTheChartInSomeNamespacesHasNoRightInTheCluster(t *testing.T) {
	objects := templated(t, "namespaces={a,b}")
	for id, o := range objects {
		if o.kind() == "ClusterRoleBinding" && !strings.Contains(id, "metrics-auth") {
			t.Errorf("%s is bound in the cluster", id)
		}
	}
	for _, namespace := range []string{"a", "b"} {
		for _, name := range []string{"manager", "target-reader", "readiness-gates"} {
			if objects["RoleBinding "+namespace+"/aliascheck-"+name+"-rolebinding"] == nil {
				t.Errorf("%s is not bound in %s", name, namespace)
			}
		}
	}
	deployment := objects["Deployment "+systemNamespace+"/aliascheck-controller-manager"]
	container := inside(deployment, "spec", "template", "spec")["containers"].([]any)[0].(map[string]any)
	if !slices.Contains(container["args"].([]any), any("--namespaces=a,b")) {
		t.Errorf("its arguments are %v", container["args"])
	}
}

func TestTheSchemaOfTheChartRefusesWhatWouldDoNothing(t *testing.T) {
	for _, setting := range []string{
		"replica=3", "image.name=x", "targets={fluxx}", "namespaces={Shop}", "readinessGates.enabled=maybe", "replicas=-1",
	} {
		if output, err := helm(t, "template", "aliascheck", chart, "--set", setting); err == nil {
			t.Errorf("--set %s is accepted", setting)
		} else if !strings.Contains(output, "don't meet the specifications of the schema") {
			t.Errorf("--set %s: %s", setting, output)
		}
	}
}
