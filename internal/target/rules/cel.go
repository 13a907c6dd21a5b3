package rules

import (
	"errors"
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"

	"github.com/aliascheck/aliascheck/internal/celbounds"
)

const (
	// maxCost bounds one evaluation of one expression, in the units of CEL, of which a field access is one. It is enough to
	// ask a few questions of each of a thousand entries of a list. What CEL needs to keep count grows with the square of
	// it: this is 0.2 s of CPU, and four times as much took 2.7 s.
	maxCost = 25_000
	// maxCostOfSet bounds what all rules of a set cost together for one object, once. One that holds is asked twice more at most,
	// where conditions are of an older generation.
	maxCostOfSet = 50_000
)

// limits of one expression. Rules need join for their messages, and it is bounded where it runs.
var limits = celbounds.Limits{Refused: []string{"replace", "format"}, PlainComparisons: true}

// root is the name of the object in expressions.
const root = "object"

var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable(root, cel.DynType),
		cel.OptionalTypes(cel.OptionalTypesVersion(2)),
		ext.Strings(ext.StringsVersion(4)),
		celbounds.Join(),
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
		return nil, celbounds.Mistake(issues)
	}
	if got := checked.OutputType(); !got.IsExactType(wanted) && !got.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("must be a %s, and is a %s", wanted, got)
	}
	if err := limits.Check(checked); err != nil {
		return nil, err
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize),
		cel.CostTracking(celbounds.Sizes{}), cel.CostLimit(maxCost))
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

// evaluate is the value of an expression for the fields of an object, and what that has cost.
func evaluate[T any](program cel.Program, object map[string]any) (value T, cost uint64, err error) {
	out, details, err := program.Eval(map[string]any{root: object})
	if counted := details.ActualCost(); counted != nil {
		cost = *counted
	}
	switch {
	case err != nil:
		return value, cost, err
	case types.IsUnknownOrError(out):
		return value, cost, errors.New("the expression has no value")
	}
	value, ok := out.Value().(T)
	if !ok {
		return value, cost, fmt.Errorf("the expression is a %s", out.Type().TypeName())
	}
	return value, cost, nil
}
