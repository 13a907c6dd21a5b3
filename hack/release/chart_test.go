// helm takes a minute or two to build: `make test-chart` builds it and runs these tests, `make test` does not.
//go:build helm

package main

import (
	"bytes"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
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
			if _, found := inside(o.metadata(), "labels")[label]; !found {
				t.Errorf("%s has no label %s", o.id(), label)
			}
			delete(inside(o.metadata(), "labels"), label)
		}
		stays := o.kind() == "CustomResourceDefinition" || o["aggregationRule"] != nil
		if annotations := inside(o.metadata(), "annotations"); (annotations["helm.sh/resource-policy"] == "keep") != stays {
			t.Errorf("%s %s has the annotations %v", o.kind(), o.name(), annotations)
		} else if delete(annotations, "helm.sh/resource-policy"); len(annotations) == 0 {
			delete(o.metadata(), "annotations")
		}
	}
	return byID(objects)
}

func TestTheChartIsWithoutFault(t *testing.T) {
	if output, err := helm(t, "lint", "--strict", chart); err != nil {
		t.Errorf("helm lint: %v: %s", err, output)
	}
}

// Each choice of the chart is a component of the kustomizations, and makes the same objects of it.
func TestTheChartRendersWhatKustomizeDoes(t *testing.T) {
	for name, one := range map[string]struct{ settings, components []string }{
		"default":          {},
		"without gates":    {[]string{"readinessGates.enabled=false"}, []string{"no-readiness-gates"}},
		"jobs":             {[]string{"jobProbes.enabled=true"}, []string{"job-probes"}},
		"admission policy": {[]string{"admissionPolicy.enabled=true"}, []string{"admission-policy"}},
		"network policy":   {[]string{"networkPolicy.enabled=true"}, []string{"network-policy"}},
		"monitoring":       {[]string{"monitoring.enabled=true"}, []string{"monitoring"}},
		"wallboard":        {[]string{"wallboard.enabled=true"}, []string{"wallboard"}},
		"targets":          {[]string{"targets={flux,cert-manager}"}, []string{"targets-flux", "targets-cert-manager"}},
		"two at once":      {[]string{"readinessGates.enabled=false", "targets={argo}"}, []string{"no-readiness-gates", "targets-argo"}},
		"the certificate":  {[]string{"metrics.certificateSecret=aliascheck-metrics-certificate"}, []string{"metrics-certificate"}},
		"a certificate that is verified": {
			[]string{"monitoring.enabled=true", "metrics.certificateSecret=aliascheck-metrics-certificate"},
			[]string{"monitoring", "metrics-certificate"},
		},
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

// bindsManager is false of what people may: all of them may read HealthRules.
func bindsManager(binding object) bool {
	return slices.ContainsFunc(binding["subjects"].([]any), func(subject any) bool {
		return subject.(map[string]any)["kind"] == "ServiceAccount"
	})
}

func TestTheChartInSomeNamespacesHasNoRightInTheCluster(t *testing.T) {
	objects := templated(t, "namespaces={a,b}", "jobProbes.enabled=true", "jobRunner.namespaces={b}", "secretReader.namespaces={a}")
	for id, o := range objects {
		if o.kind() == "ClusterRoleBinding" && bindsManager(o) && !strings.Contains(id, "metrics-auth") {
			t.Errorf("%s is bound in the cluster", id)
		}
	}
	for _, namespace := range []string{"a", "b"} {
		for _, name := range []string{"manager-rolebinding", "target-reader-rolebinding", "readiness-gates-rolebinding", "job-runner"} {
			if objects["RoleBinding "+namespace+"/aliascheck-"+name] == nil {
				t.Errorf("%s is not there in %s", name, namespace)
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

// The workflow of a release signs what `helm push` says that it has pushed.
func TestTheChartIsPushedWithTheDigestThatHelmTells(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	folder, charts := t.TempDir(), strings.TrimPrefix(server.URL, "http://")+"/charts"
	if output, err := helm(t, "package", chart, "--destination", folder, "--version", "1.2.3"); err != nil {
		t.Fatalf("helm package: %v: %s", err, output)
	}
	output, err := helm(t, "push", filepath.Join(folder, "aliascheck-1.2.3.tgz"), "oci://"+charts, "--plain-http")
	if err != nil {
		t.Fatalf("helm push: %v: %s", err, output)
	}
	reference, err := name.ParseReference(charts + "/aliascheck:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := remote.Head(reference, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Split(output, "\n"), "Digest: "+pushed.Digest.String()) {
		t.Errorf("the registry has %s, and helm says %q", pushed.Digest, output)
	}
}
