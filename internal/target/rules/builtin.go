package rules

import (
	"bytes"
	"embed"
	"fmt"
	"regexp"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
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

// builtIn has the rules of each kind, which are read and compiled at the first need of that kind: there are thousands of rules,
// and a manager meets few of their kinds. To read all of them takes half a second of CPU, which the first aliases of a new leader
// would wait for. They are part of the program: one that cannot be read, or does not compile, is a bug that no test lets through.
var builtIn = sync.OnceValue(func() map[schema.GroupKind]func() *Set {
	all, err := documents()
	if err != nil {
		panic(err)
	}
	sets := map[schema.GroupKind]func() *Set{}
	for _, document := range all {
		sets[targetOf(document)] = sync.OnceValue(func() *Set { return mustCompile(document) })
	}
	return sets
})

// targetLine is how each document names its kind.
var targetLine = regexp.MustCompile(`(?m)^  target: \{(?:group: ([^,}]+), )?kind: "?([^"}]+)"?\}$`)

func targetOf(document []byte) schema.GroupKind {
	line := targetLine.FindSubmatch(document)
	if line == nil {
		panic(fmt.Errorf("a built-in HealthRule names no kind on a line of its own: %.200s", document))
	}
	return schema.GroupKind{Group: string(line[1]), Kind: string(line[2])}
}

func mustCompile(document []byte) *Set {
	rule, err := parse(document)
	if err != nil {
		panic(err)
	}
	set, err := Compile(rule.Spec.Rules)
	if err != nil {
		panic(fmt.Errorf("built-in HealthRule %s: %w", rule.Name, err))
	}
	return set
}

// BuiltInRules are the built-in rules as they are written, file by file in order of their names.
func BuiltInRules() ([]v1alpha1.HealthRule, error) {
	documents, err := documents()
	if err != nil {
		return nil, err
	}
	all := make([]v1alpha1.HealthRule, 0, len(documents))
	for _, document := range documents {
		rule, err := parse(document)
		if err != nil {
			return nil, err
		}
		all = append(all, rule)
	}
	return all, nil
}

// documents are those of all files, without such as have only comments.
func documents() ([][]byte, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("listing the built-in rules: %w", err)
	}
	var all [][]byte
	for _, entry := range entries {
		content, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", entry.Name(), err)
		}
		for document := range bytes.SplitSeq(content, []byte("\n---\n")) {
			if bytes.Contains(document, []byte("\nkind: HealthRule\n")) {
				all = append(all, document)
			}
		}
	}
	return all, nil
}

func parse(document []byte) (rule v1alpha1.HealthRule, err error) {
	if err := yaml.UnmarshalStrict(document, &rule); err != nil {
		return rule, fmt.Errorf("reading a built-in HealthRule: %w: %.200s", err, document)
	}
	return rule, nil
}
