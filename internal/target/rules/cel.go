package rules

import (
	"errors"
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
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

// expression is one that compiles.
type expression struct {
	ast     *cel.Ast
	program cel.Program
}

// compile compiles an expression that must have a type, as far as that can be said before there is an object.
func compile(text string, wanted *cel.Type) (*expression, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("making the environment of expressions: %w", err)
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if got := checked.OutputType(); !got.IsExactType(wanted) && !got.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("must be a %s, and is a %s", wanted, got)
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	if err != nil {
		return nil, err
	}
	return &expression{ast: checked, program: program}, nil
}

func (e *expression) fields() *Fields { return readsOf(e.ast.NativeRep().Expr()) }

// literals are the texts in an expression, in order.
func (e *expression) literals() []string {
	var found []string
	ast.PreOrderVisit(e.ast.NativeRep().Expr(), ast.NewExprVisitor(func(part ast.Expr) {
		if part.Kind() != ast.LiteralKind {
			return
		}
		if text, ok := part.AsLiteral().Value().(string); ok {
			found = append(found, text)
		}
	}))
	return found
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
