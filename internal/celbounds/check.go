package celbounds

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
)

// maxPattern bounds a pattern by the instructions that it compiles to. Each byte of the text may visit all of them.
const maxPattern = 200

// Limits are those of one expression.
type Limits struct {
	// Macros such as all and exists that it may have; 0 for any number.
	Macros int
	// Instead of more macros, in words.
	Instead string
	// Refused are functions that it may not call, since they may make text of any size in one step.
	Refused []string
	// PlainComparisons refuses to compare values that the expression has put together itself. Such a value may hold a part
	// of an object many times, and each macro multiplies that; comparing two of them is one step that nothing interrupts.
	PlainComparisons bool
}

// Check refuses what neither a limit of costs nor a context would bound.
func (l Limits) Check(checked *cel.Ast) error {
	var errs []error
	macros := 0
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			macros++
		case ast.CallKind:
			errs = append(errs, l.checkCall(e.AsCall()))
		}
	}))
	if l.Macros > 0 && macros > l.Macros {
		errs = append(errs, fmt.Errorf("it has %d macros such as all and exists, and %d are the most: %s", macros, l.Macros, l.Instead))
	}
	if l.PlainComparisons {
		errs = append(errs, plain(checked))
	}
	return errors.Join(errs...)
}

func (l Limits) checkCall(call ast.CallExpr) error {
	switch name := call.FunctionName(); {
	case name == "matches":
		return checkPattern(call)
	case slices.Contains(l.Refused, name):
		return fmt.Errorf("the function %s is not available, for its result may be of any size", name)
	default:
		return nil
	}
}

// checkPattern looks at the last argument, which is the pattern in both spellings: body.matches(p), matches(body, p).
func checkPattern(call ast.CallExpr) error {
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
