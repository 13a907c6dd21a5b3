package expect

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

const (
	// maxMacros of one expression. A macro names a value, so that a list may have it several times: each level multiplies
	// what the comparison of two such values costs, in one step that nothing interrupts.
	maxMacros = 3
	// maxPattern bounds a pattern by the instructions that it compiles to. Each byte of the body may visit all of them.
	maxPattern = 200
	// patternUnit is how many instructions of a pattern count as one step for each tenth byte of the text.
	patternUnit = 32
)

// growing are functions that may make text of the size of the body squared, in one step.
var growing = []string{"replace", "join", "format"}

// bounded refuses what neither the limit of costs nor the probe's context would bound.
func bounded(checked *cel.Ast) error {
	var errs []error
	macros := 0
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch {
		case e.Kind() == ast.ComprehensionKind:
			macros++
		case e.Kind() == ast.CallKind:
			errs = append(errs, boundedCall(e.AsCall()))
		}
	}))
	if macros > maxMacros {
		errs = append(errs, fmt.Errorf("it has %d macros such as all and exists, and %d are the most: "+
			"write several expectations", macros, maxMacros))
	}
	return errors.Join(errs...)
}

func boundedCall(call ast.CallExpr) error {
	switch name := call.FunctionName(); {
	case name == "matches":
		return boundedPattern(call)
	case slices.Contains(growing, name):
		return fmt.Errorf("the function %s is not available, for its result may be of any size", name)
	default:
		return nil
	}
}

// boundedPattern looks at the last argument, which is the pattern in both spellings: body.matches(p), matches(body, p).
func boundedPattern(call ast.CallExpr) error {
	pattern := call.Args()[len(call.Args())-1]
	text, isLiteral := "", false
	if pattern.Kind() == ast.LiteralKind {
		text, isLiteral = pattern.AsLiteral().Value().(string)
	}
	if !isLiteral {
		return errors.New("the pattern of matches must be a literal")
	}
	size, err := patternSize(text)
	switch {
	case err != nil:
		return fmt.Errorf("the pattern of matches is no regular expression: %w", err)
	case size > maxPattern:
		return errors.New("the pattern of matches is too large: it repeats too much")
	}
	return nil
}

// patternSize is how many instructions a pattern compiles to.
func patternSize(text string) (int, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, err
	}
	return len(program.Inst), nil
}

// sizes tells what CEL counts too low or too high: what is appended to text of JSON, whose type is not known before, costs
// as much as the result has, and a pattern by what it compiles to.
type sizes struct{}

// CallCost implements interpreter.ActualCostEstimator.
func (sizes) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	switch {
	case function == operators.Add:
		cost := tenth(result)
		return &cost
	case function == "matches" && len(args) == 2:
		pattern, _ := args[1].Value().(string)
		size, _ := patternSize(pattern)
		cost := tenth(args[0]) * uint64(size/patternUnit+1)
		return &cost
	}
	return nil
}

// tenth of the size of a value, as CEL itself counts text.
func tenth(value ref.Val) uint64 {
	if sizer, ok := value.(traits.Sizer); ok {
		if size, ok := sizer.Size().(types.Int); ok {
			return uint64(size/10) + 1
		}
	}
	return 1
}
