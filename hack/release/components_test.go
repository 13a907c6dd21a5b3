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
	//nolint:usetesting // a kustomization may only name folders of its own tree
	folder, err := os.MkdirTemp(config, ".test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
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

// A component may be for any kustomization of a user's, so each has to stand beside all others.
func TestAllComponentsStandBesideEachOther(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join(config, "components"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, folder := range folders {
		alone := []string{"namespaced", "shard"} // they take things out that others change
		if folder.IsDir() && !slices.Contains(alone, folder.Name()) {
			names = append(names, folder.Name())
		}
	}
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

// A binding whose role is not there gives no rights, and says so nowhere.
func TestEveryBindingOfAVariantFindsItsRole(t *testing.T) {
	for _, lines := range []string{
		"components: [../components/namespaced]\n",
		"namespace: shop\ncomponents: [../components/namespaced]\n",
		"components: [../components/no-readiness-gates]\n",
	} {
		objects := renderedFrom(t, "resources: [../default]\n"+lines)
		for id, o := range objects {
			if !strings.HasSuffix(o.kind(), "Binding") {
				continue
			}
			reference, namespace := inside(o, "roleRef"), any(nil)
			if reference["kind"] == "Role" {
				namespace = o.metadata()["namespace"]
			}
			if role := fmt.Sprint(reference["kind"], " ", namespace, "/", reference["name"]); objects[role] == nil {
				t.Errorf("%s%s: there is no %s", lines, id, role)
			}
		}
	}
}

// The names that config/components gives to the optional Roles are those of the files that the messages of checks name.
func TestTheOptionalRolesAreThoseOfTheirComponents(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(config, "rbac", "optional", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Base(file) == "job_probes.yaml" { // of one namespace; the component is for all of them
			continue
		}
		component := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".yaml"), "_", "-")
		manifest, err := render(filepath.Join(config, "components", component))
		if err != nil {
			t.Errorf("%s has no component: %v", file, err)
			continue
		}
		got, err := objectsOf(manifest)
		if err != nil {
			t.Fatal(err)
		}
		want, err := objectsOf(content(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if len(without(want, got)) > 0 || len(without(got, want)) > 0 {
			t.Errorf("%s has other objects than component %s", file, component)
		}
	}
}
