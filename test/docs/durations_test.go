package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

var (
	// constantOfThePage is a row of the first kind: | `name` | value | `file` | …
	constantOfThePage = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([0-9]+ (?:ms|s|min)) \\| `([\\w./]+\\.go)` \\|")
	// sourceOfThePage is one of the second kind, of what is no constant: | `piece of source` | `file` | …
	sourceOfThePage = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([\\w./]+\\.go)` \\|")
)

// runsInTheManager are the folders of the constants that the page has all of.
var runsInTheManager = []string{
	"api", "cmd/manager", "controllers", "internal/gate", "internal/health", "internal/jobs", "internal/ledger", "internal/live", "internal/probe",
	"internal/runner", "internal/share", "internal/status", "internal/sweep", "internal/target",
}

func TestThePageOfDurationsHasAllConstantsWithTheirValues(t *testing.T) {
	source := map[string]time.Duration{}
	for _, folder := range runsInTheManager {
		maps.Copy(source, durationsIn(t, folder))
	}
	documented := map[string]time.Duration{}
	for _, row := range constantOfThePage.FindAllStringSubmatch(page(t, "docs/durations.md"), -1) {
		documented[row[3]+" "+row[1]] = parsed(t, row[2])
	}
	if len(source) < 20 {
		t.Fatalf("only %v were found in the source", source)
	}
	for _, name := range slices.Sorted(maps.Keys(source)) {
		if value, found := documented[name]; !found {
			t.Errorf("docs/durations.md lacks %s, which is %s", name, source[name])
		} else if value != source[name] {
			t.Errorf("docs/durations.md says that %s is %s; it is %s", name, value, source[name])
		}
	}
	for name := range documented {
		if _, exists := source[name]; !exists {
			t.Errorf("docs/durations.md has %s, which is no constant of the source", name)
		}
	}
}

func TestWhatThePageOfDurationsQuotesIsInTheSource(t *testing.T) {
	rows := sourceOfThePage.FindAllStringSubmatch(page(t, "docs/durations.md"), -1)
	if len(rows) < 5 {
		t.Fatalf("only %v were found", rows)
	}
	for _, row := range rows {
		if !strings.Contains(page(t, row[2]), row[1]) {
			t.Errorf("%s does not have %q", row[2], row[1])
		}
	}
}

// parsed is a duration as the page has it: 30 s, 450 ms, 2 min.
func parsed(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(strings.ReplaceAll(strings.Replace(text, "min", "m", 1), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// durationsIn are the constants of a folder whose value is a duration, by file and name.
func durationsIn(t *testing.T, folder string) map[string]time.Duration {
	t.Helper()
	found := map[string]time.Duration{}
	root := controlplane.Root()
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parsing %s: %w", path, err)
		}
		name, err := filepath.Rel(root, path)
		for _, declaration := range file.Decls {
			for constant, value := range durationsOf(declaration) {
				found[filepath.ToSlash(name)+" "+constant] = value
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func durationsOf(declaration ast.Decl) map[string]time.Duration {
	found := map[string]time.Duration{}
	constants, ok := declaration.(*ast.GenDecl)
	if !ok || constants.Tok != token.CONST {
		return found
	}
	for _, spec := range constants.Specs {
		spec := spec.(*ast.ValueSpec)
		for i, value := range spec.Values {
			if d, ok := durationOf(value); ok {
				found[spec.Names[i].Name] = d
			}
		}
	}
	return found
}

var units = map[string]time.Duration{
	"Millisecond": time.Millisecond, "Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
}

// durationOf evaluates time.Second, 5 * time.Second and Grace(5 * time.Second); no constant needs more.
func durationOf(value ast.Expr) (time.Duration, bool) {
	if conversion, ok := value.(*ast.CallExpr); ok && len(conversion.Args) == 1 {
		value = conversion.Args[0]
	}
	factor := 1
	if product, ok := value.(*ast.BinaryExpr); ok && product.Op == token.MUL {
		number, ok := product.X.(*ast.BasicLit)
		if !ok {
			return 0, false
		}
		n, err := strconv.Atoi(number.Value)
		if err != nil {
			return 0, false
		}
		factor, value = n, product.Y
	}
	selector, ok := value.(*ast.SelectorExpr)
	if !ok {
		return 0, false
	}
	unit, known := units[selector.Sel.Name]
	return time.Duration(factor) * unit, known
}
