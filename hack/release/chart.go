package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// chartCommand writes a Helm chart of what the kustomizations render: nothing in it is written by hand twice.
func chartCommand(_ context.Context, args []string) error {
	var config, out string
	flags := flag.NewFlagSet("chart", flag.ContinueOnError)
	flags.StringVar(&config, "config", "config", "folder of the kustomizations")
	flags.StringVar(&out, "out", "", "folder of the chart to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if out == "" {
		return errors.New("-out is needed")
	}
	if err := writeChart(config, out); err != nil {
		return err
	}
	fmt.Println("wrote", out)
	return nil
}

// variants of the installation, as the kustomizations render them.
type variants struct {
	config string
	// all is config/default.
	all []object
	// gates and cluster are of all: what is there for readiness gates, and what has rights in the whole cluster.
	gates, cluster map[string]bool
}

// addition is a component that adds objects, and the condition on the chart's values that stands for it.
type addition struct {
	component, condition string
	// perNamespace are added to each namespace of a list, which the condition names.
	perNamespace bool
	// refersTo the installation: it is not rendered alone.
	refersTo bool
}

// targetsPrefix begins the names of the components for the kinds of projects.
const targetsPrefix = "targets-"

func writeChart(config, out string) error {
	v := variants{config: config}
	if err := v.load(); err != nil {
		return err
	}
	targets, err := v.targets()
	if err != nil {
		return err
	}
	files := map[string]string{}
	if err := v.base(files); err != nil {
		return err
	}
	for _, a := range additions(targets) {
		if err := v.add(files, a); err != nil {
			return fmt.Errorf("%s: %w", a.component, err)
		}
	}
	if err := v.metadata(files, targets); err != nil {
		return err
	}
	return replaceFolder(out, files)
}

// additions of the chart. With .Values.namespaces Jobs are allowed in those, for the manager has no right in the cluster then.
func additions(targets []string) []addition {
	all := []addition{
		{component: "components/job-probes", refersTo: true, condition: "and .Values.jobProbes.enabled (not .Values.namespaces)"},
		{component: "components/job-runner", perNamespace: true,
			condition: "concat .Values.jobRunner.namespaces (ternary .Values.namespaces list .Values.jobProbes.enabled) | uniq"},
		{component: "components/secret-reader", condition: ".Values.secretReader.namespaces", perNamespace: true},
		{component: "components/configmap-reader", condition: ".Values.configmapReader.namespaces", perNamespace: true},
		{component: "components/admission-policy", condition: ".Values.admissionPolicy.enabled"},
		{component: "components/network-policy", condition: ".Values.networkPolicy.enabled"},
		{component: "components/monitoring", condition: ".Values.monitoring.enabled"},
		{component: "components/wallboard", condition: ".Values.wallboard.enabled"},
		{component: "components/namespaced/rights", condition: ".Values.namespaces", perNamespace: true},
	}
	for _, target := range targets {
		all = append(all, addition{
			component: "components/" + targetsPrefix + target, condition: fmt.Sprintf("has %q .Values.targets", target),
		})
	}
	return all
}

// load renders what the chart is made of.
func (v *variants) load() (err error) {
	if v.all, err = v.render("default"); err != nil {
		return err
	}
	noGates, err := v.overlay("no-readiness-gates")
	if err != nil {
		return err
	}
	namespaced, err := v.overlay("namespaced")
	if err != nil {
		return err
	}
	people, err := v.render("components/namespaced/cluster")
	if err != nil {
		return err
	}
	v.gates = idsOf(without(v.all, noGates))
	v.cluster = idsOf(without(slices.DeleteFunc(without(v.all, namespaced), func(o object) bool {
		return !strings.HasPrefix(o.kind(), "ClusterRole")
	}), people))
	return nil
}

func idsOf(objects []object) map[string]bool {
	ids := map[string]bool{}
	for _, o := range objects {
		ids[o.id()] = true
	}
	return ids
}

func (v *variants) render(folder string) ([]object, error) {
	manifest, err := render(filepath.Join(v.config, filepath.FromSlash(folder)))
	if err != nil {
		return nil, err
	}
	return objectsOf(manifest)
}

// overlay renders the installation with a component.
func (v *variants) overlay(component string) ([]object, error) {
	folder, err := os.MkdirTemp(v.config, ".overlay-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	text := fmt.Sprintf("resources: [../default]\ncomponents: [../components/%s]\n", component)
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	manifest, err := render(folder)
	if err != nil {
		return nil, err
	}
	return objectsOf(manifest)
}

// targets are the components for the kinds of projects, without their prefix.
func (v *variants) targets() ([]string, error) {
	folders, err := filepath.Glob(filepath.Join(v.config, "components", targetsPrefix+"*"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, folder := range folders {
		names = append(names, strings.TrimPrefix(filepath.Base(folder), targetsPrefix))
	}
	return names, nil
}

// base writes a template for each object of the installation. The namespace is Helm's own matter.
func (v *variants) base(files map[string]string) error {
	for _, o := range v.all {
		if o.kind() == "Namespace" {
			continue
		}
		text, err := templateOf(o, "")
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.ToLower(o.kind())+"-"+o.name(), "customresourcedefinition-")
		files["templates/"+strings.ReplaceAll(name, "aliascheck-", "")+".yaml"] = guarded(v.conditions(o), text)
	}
	return nil
}

// conditions under which an object of the installation is there.
func (v *variants) conditions(o object) []string {
	var conditions []string
	if o.kind() == "CustomResourceDefinition" {
		conditions = append(conditions, ".Values.crds.install")
	}
	if v.gates[o.id()] {
		conditions = append(conditions, ".Values.readinessGates.enabled")
	}
	if v.cluster[o.id()] {
		conditions = append(conditions, "not .Values.namespaces")
	}
	return conditions
}

// add writes one template with the objects of a component.
func (v *variants) add(files map[string]string, a addition) error {
	objects, err := v.added(a)
	if err != nil {
		return err
	}
	var texts []string
	for _, o := range objects {
		namespace := ""
		if a.perNamespace {
			namespace = "{{ . }}"
		}
		text, err := templateOf(o, namespace)
		if err != nil {
			return err
		}
		if a.perNamespace && strings.Contains(o.name(), "readiness-gates") {
			text = guarded([]string{"$.Values.readinessGates.enabled"}, text)
		}
		texts = append(texts, text)
	}
	body := strings.Join(texts, "---\n")
	if a.perNamespace {
		body = fmt.Sprintf("{{- range %s }}\n---\n%s{{- end }}\n", a.condition, body)
	} else {
		body = guarded([]string{a.condition}, body)
	}
	files["templates/"+strings.ReplaceAll(strings.TrimPrefix(a.component, "components/"), "/", "-")+".yaml"] = body
	return nil
}

// added are the objects of a component.
func (v *variants) added(a addition) ([]object, error) {
	if !a.refersTo {
		return v.render(a.component)
	}
	objects, err := v.overlay(strings.TrimPrefix(a.component, "components/"))
	if err != nil {
		return nil, err
	}
	installation, err := v.render("default") // that of v.all has placeholders in it by now
	return without(objects, installation), err
}

// guarded puts a template under conditions, all of which have to hold.
func guarded(conditions []string, text string) string {
	switch len(conditions) {
	case 0:
		return text
	case 1:
		return fmt.Sprintf("{{- if %s }}\n%s{{- end }}\n", conditions[0], text)
	}
	return fmt.Sprintf("{{- if and (%s) }}\n%s{{- end }}\n", strings.Join(conditions, ") ("), text)
}

// replaceFolder writes files into a folder, and removes all else that was in it.
func replaceFolder(folder string, files map[string]string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			return err
		}
	}
	return nil
}
