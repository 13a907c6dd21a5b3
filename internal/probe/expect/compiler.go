package expect

import (
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"k8s.io/utils/lru"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/celbounds"
)

const (
	// maxPrograms are kept. A program is some 10 KiB, and most checks of a cluster share a few expressions.
	maxPrograms = 4096
	// maxCost of one evaluation, in CEL's unit: some 10,000 elements of a list are looked at for it, which is all that
	// 64 KiB have. What CEL needs to keep count grows with the square of it: this is 0.3 s of CPU, and 20 times as much, the
	// API server's limit, took 20 s.
	maxCost = 50_000
)

// limits of one expression. A macro names a value, so that a list may have it several times: each level multiplies what the
// comparison of two such values costs, in one step that nothing interrupts.
var limits = celbounds.Limits{
	Macros: 3, Instead: "write several expectations",
	Refused: []string{"replace", "join", "format"},
}

// The variables of an expression.
const (
	varCode    = "response.code"
	varHeaders = "response.headers"
	varBody    = "response.body"
	varJSON    = "response.json"
)

// Compiler compiles expressions, each once. It may be used by many goroutines at once.
type Compiler struct {
	programs *lru.Cache
	compile  func(expression string) (cel.Program, error)
}

// NewCompiler makes a compiler that has nothing compiled yet.
func NewCompiler() *Compiler { return &Compiler{programs: lru.New(maxPrograms), compile: compiled} }

// Set is what has to hold of one response.
type Set []expectation

type expectation struct {
	place   string
	source  v1alpha1.Expectation
	program cel.Program
}

// InvalidError says which expression does not compile, and why.
type InvalidError struct {
	// Place is the field of the spec, such as http.expect[0].that.
	Place string
	Err   error
}

func (e *InvalidError) Error() string { return e.Place + " does not compile: " + e.Err.Error() }

// Unwrap is what the compiler says.
func (e *InvalidError) Unwrap() error { return e.Err }

// Compile compiles what has not been compiled yet. Its error is an *InvalidError.
func (c *Compiler) Compile(expectations []v1alpha1.Expectation) (Set, error) {
	var set Set
	for i, source := range expectations {
		place := fmt.Sprintf("http.expect[%d]", i)
		program, err := c.program(source.That)
		if err != nil {
			return nil, &InvalidError{Place: place + ".that", Err: err}
		}
		set = append(set, expectation{place: place, source: source, program: program})
	}
	return set, nil
}

// outcome is what an expression was compiled to; a mistake is kept too, and not looked for at each probe.
type outcome struct {
	program cel.Program
	err     error
}

func (c *Compiler) program(expression string) (cel.Program, error) {
	if kept, found := c.programs.Get(expression); found {
		return kept.(outcome).program, kept.(outcome).err
	}
	program, err := c.compile(expression)
	c.programs.Add(expression, outcome{program, err})
	return program, err
}

// environment is made at its first use: most managers never need it.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable(varCode, cel.IntType),
		cel.Variable(varHeaders, cel.MapType(cel.StringType, cel.ListType(cel.StringType))),
		cel.Variable(varBody, cel.StringType),
		cel.Variable(varJSON, cel.DynType),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true),
		ext.Strings(),
	)
})

func compiled(expression string) (cel.Program, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("making the environment of CEL: %w", err)
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, celbounds.Mistake(issues)
	}
	if output := ast.OutputType(); !output.IsEquivalentType(cel.BoolType) && !output.IsEquivalentType(cel.DynType) {
		return nil, fmt.Errorf("it is of type %s, and has to be true or false", output)
	}
	if err := limits.Check(ast); err != nil {
		return nil, err
	}
	return env.Program(ast,
		cel.EvalOptions(cel.OptOptimize),
		cel.CostTracking(celbounds.Sizes{}), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(1))
}
