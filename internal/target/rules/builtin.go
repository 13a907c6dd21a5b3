package rules

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// files are HealthRules, a file for each group of kinds that are made by the same people or used together.
//
//go:embed *.yaml
var files embed.FS

// everyKind is the kind of a built-in rule for all kinds of a group that have no rule of their own. It is for groups whose
// kinds are made by users, as the constraints of Gatekeeper; a HealthRule names its kind.
const everyKind = "*"

// BuiltIn is the built-in rules of a kind; nil where it has none.
func BuiltIn(kind schema.GroupKind) *Set {
	if compiled := builtIn()[kind]; compiled != nil {
		return compiled()
	}
	if compiled := builtIn()[schema.GroupKind{Group: kind.Group, Kind: everyKind}]; compiled != nil {
		return compiled()
	}
	return nil
}

// builtIn has the rules of each kind, which are compiled at the first need of that kind: there are thousands of rules, and
// a manager meets few of their kinds. They are part of the program: one that does not compile is a bug that no test lets
// through.
var builtIn = sync.OnceValue(func() map[schema.GroupKind]func() *Set {
	sets := map[schema.GroupKind]func() *Set{}
	all, err := BuiltInRules()
	if err != nil {
		panic(err)
	}
	for _, rule := range all {
		kind := schema.GroupKind{Group: rule.Spec.Target.Group, Kind: rule.Spec.Target.Kind}
		sets[kind] = sync.OnceValue(func() *Set { return mustCompile(rule) })
	}
	return sets
})

func mustCompile(rule v1alpha1.HealthRule) *Set {
	set, err := Compile(rule.Spec.Rules)
	if err != nil {
		panic(fmt.Errorf("built-in HealthRule %s: %w", rule.Name, err))
	}
	return set
}

// BuiltInRules are the built-in rules as they are written, file by file in order of their names.
func BuiltInRules() ([]v1alpha1.HealthRule, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("listing the built-in rules: %w", err)
	}
	var all []v1alpha1.HealthRule
	for _, entry := range entries {
		content, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", entry.Name(), err)
		}
		some, err := parse(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func parse(content []byte) ([]v1alpha1.HealthRule, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var all []v1alpha1.HealthRule
	for {
		document, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("splitting the documents: %w", err)
		}
		rule := v1alpha1.HealthRule{}
		if err := yaml.UnmarshalStrict(document, &rule); err != nil {
			return nil, fmt.Errorf("reading a HealthRule: %w", err)
		}
		if rule.Spec.Target.Kind != "" { // a document of comments has none
			all = append(all, rule)
		}
	}
}
