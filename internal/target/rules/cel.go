package rules

import (
	"errors"
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
)

// maxCost bounds one evaluation of one expression, in the units of CEL, of which a field access is one. It is far more
// than any sensible rule needs, and keeps an expression that is nested over lists below some ten milliseconds.
const maxCost = 100_000

// root is the name of the object in expressions.
const root = "object"

var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable(root, cel.DynType),
		cel.OptionalTypes(cel.OptionalTypesVersion(2)),
		ext.Strings(ext.StringsVersion(4)),
	)
})

// program compiles an expression that must have a type, as far as that can be said before there is an object.
func program(expression string, wanted *cel.Type) (cel.Program, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("making the environment of expressions: %w", err)
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if got := ast.OutputType(); !got.IsExactType(wanted) && !got.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("must be a %s, and is a %s", wanted, got)
	}
	return env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
}

// evaluate is the value of an expression for the fields of an object.
func evaluate[T any](program cel.Program, object map[string]any) (T, error) {
	var none T
	out, _, err := program.Eval(map[string]any{root: object})
	if err != nil {
		return none, err
	}
	if types.IsUnknownOrError(out) {
		return none, errors.New("the expression has no value")
	}
	value, ok := out.Value().(T)
	if !ok {
		return none, fmt.Errorf("the expression is a %s", out.Type().TypeName())
	}
	return value, nil
}
