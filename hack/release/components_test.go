package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A component may be for any kustomization of a user's, so each has to stand beside all others.
func TestAllComponentsStandBesideEachOther(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join(config, "components"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, folder := range folders {
		if folder.IsDir() && folder.Name() != "namespaced" { // it takes out what the component without gates does
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

// The names that config/components gives to the optional Roles are those of the files that the messages of checks name.
func TestTheOptionalRolesAreThoseOfTheirComponents(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(config, "rbac", "optional", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
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
