package celbounds

import (
	"errors"
	"maps"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// maxChoices is how many values that are no constants a list may have of which one is looked for: x in [a, b].
const maxChoices = 16

var errBuilt = errors.New("it compares values that it has put together itself, as by a list or map: " +
	"compare fields of the object, texts, numbers, or the size of a list")

// plain refuses comparisons in which a value that the expression has built takes part, unless the other is a constant or
// is known to be a text, a number or the like.
func plain(checked *cel.Ast) error {
	a := &analysis{types: checked.NativeRep()}
	a.visit(checked.NativeRep().Expr(), scope{})
	return a.err
}

// scope says of the variables of macros whether what they name was built by the expression.
type scope map[string]bool

type analysis struct {
	types *ast.AST
	err   error
}

// visit looks at all comparisons, each in its scope.
func (a *analysis) visit(e ast.Expr, in scope) {
	switch e.Kind() {
	case ast.CallKind:
		a.visitCall(e.AsCall(), in)
	case ast.SelectKind:
		a.visit(e.AsSelect().Operand(), in)
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			a.visit(element, in)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			a.visit(entry.AsMapEntry().Key(), in)
			a.visit(entry.AsMapEntry().Value(), in)
		}
	case ast.ComprehensionKind:
		fold := e.AsComprehension()
		a.visit(fold.IterRange(), in)
		a.visit(fold.AccuInit(), in)
		within := a.within(fold, in)
		a.visit(fold.LoopCondition(), within)
		a.visit(fold.LoopStep(), within)
		a.visit(fold.Result(), within)
	}
}

func (a *analysis) visitCall(call ast.CallExpr, in scope) {
	if call.IsMemberFunction() {
		a.visit(call.Target(), in)
	}
	for _, argument := range call.Args() {
		a.visit(argument, in)
	}
	switch call.FunctionName() {
	case operators.Equals, operators.NotEquals:
		if one, other := call.Args()[0], call.Args()[1]; !a.comparable(one, other, in) && !a.comparable(other, one, in) {
			a.err = errBuilt
		}
	case operators.In:
		if !a.scalar(call.Args()[0]) && !a.choices(call.Args()[1], in) {
			a.err = errBuilt
		}
	}
}

// comparable reports whether the first value bounds what the comparison costs.
func (a *analysis) comparable(one, other ast.Expr, in scope) bool {
	return a.scalar(one) || constant(one) || !a.built(one, in) && !a.built(other, in)
}

// choices reports whether one of a list may be looked for: it is one of the object, of constants, or is short.
func (a *analysis) choices(list ast.Expr, in scope) bool {
	if constant(list) || !a.built(list, in) {
		return true
	}
	return list.Kind() == ast.ListKind && list.AsList().Size() <= maxChoices && !a.elementsBuilt(list, in)
}

// scalar reports whether a value is known to be neither a list nor a map, whatever the object is.
func (a *analysis) scalar(e ast.Expr) bool {
	switch a.types.GetType(e.ID()).Kind() {
	case types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.BoolKind, types.BytesKind,
		types.NullTypeKind, types.TimestampKind, types.DurationKind, types.TypeKind:
		return true
	default:
		return false
	}
}

// constant reports whether a value is one of literals alone.
func constant(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		return true
	case ast.ListKind:
		return !slices.ContainsFunc(e.AsList().Elements(), func(element ast.Expr) bool { return !constant(element) })
	case ast.MapKind:
		return !slices.ContainsFunc(e.AsMap().Entries(), func(entry ast.EntryExpr) bool {
			return !constant(entry.AsMapEntry().Key()) || !constant(entry.AsMapEntry().Value())
		})
	default:
		return false
	}
}

// built reports whether a value may be, or hold, a list or map that the expression has made.
func (a *analysis) built(e ast.Expr, in scope) bool {
	if a.scalar(e) {
		return false
	}
	switch e.Kind() {
	case ast.IdentKind:
		return in[e.AsIdent()]
	case ast.SelectKind:
		return a.built(e.AsSelect().Operand(), in)
	case ast.ListKind, ast.MapKind:
		return !constant(e)
	case ast.ComprehensionKind:
		return true
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() && a.built(call.Target(), in) {
			return true
		}
		return slices.ContainsFunc(call.Args(), func(argument ast.Expr) bool { return a.built(argument, in) })
	default:
		return false
	}
}

// elementsBuilt reports whether an element of a list may be one that the expression has made.
func (a *analysis) elementsBuilt(e ast.Expr, in scope) bool {
	switch e.Kind() {
	case ast.ListKind:
		return slices.ContainsFunc(e.AsList().Elements(), func(element ast.Expr) bool { return a.built(element, in) })
	case ast.ComprehensionKind: // map and filter put into a list what their step adds to it
		return a.elementsBuilt(e.AsComprehension().LoopStep(), a.within(e.AsComprehension(), in))
	case ast.CallKind:
		return slices.ContainsFunc(e.AsCall().Args(), func(argument ast.Expr) bool { return a.elementsBuilt(argument, in) })
	default:
		return a.built(e, in)
	}
}

// within is the scope of what a macro does for each element. What it has gathered before counts as of the object: only what
// the step adds to it matters.
func (a *analysis) within(fold ast.ComprehensionExpr, in scope) scope {
	within := maps.Clone(in)
	within[fold.IterVar()] = a.elementsBuilt(fold.IterRange(), in)
	if fold.HasIterVar2() {
		within[fold.IterVar2()] = within[fold.IterVar()]
	}
	within[fold.AccuVar()] = a.built(fold.AccuInit(), in)
	return within
}
