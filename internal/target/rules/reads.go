package rules

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// Fields are what the rules read of an object: no more of it has to be there for them to say what they say.
func (s *Set) Fields() *Fields { return s.fields }

// Kept are what has to be kept of an object for the rules: what they read, and of which generation the conditions are that they
// ask for.
func (s *Set) Kept() *Fields { return s.kept }

// reads finds what an expression reads of the object. It follows what may be a part of the object from where it is named to
// where it is used. What is compared, or given to a function, is read with all that is below it; so is what is chosen by an
// index that is not known before.
type reads struct {
	fields *Fields
	scope  map[string]parts
}

// parts are the parts of the object that a value may be, and those that its entries may be where the expression itself
// has put them into a list.
type parts struct {
	paths   [][]string
	entries [][]string
}

// readsOf are the fields that an expression reads.
func readsOf(expression ast.Expr) *Fields {
	r := &reads{fields: &Fields{}, scope: map[string]parts{root: {paths: [][]string{{}}}}}
	r.use(r.follow(expression))
	return r.fields
}

// use takes note that a value is read with all that is below it.
func (r *reads) use(values ...parts) {
	for _, value := range values {
		for _, path := range slices.Concat(value.paths, value.entries) {
			r.fields.add(path)
		}
	}
}

// follow is what of the object a value may be.
func (r *reads) follow(e ast.Expr) parts {
	switch e.Kind() {
	case ast.IdentKind:
		return r.scope[e.AsIdent()]
	case ast.SelectKind:
		selected := r.follow(e.AsSelect().Operand()).field(e.AsSelect().FieldName())
		if e.AsSelect().IsTestOnly() {
			r.presence(selected)
			return parts{}
		}
		return selected
	case ast.CallKind:
		return r.call(e.AsCall())
	case ast.ListKind:
		list := parts{}
		for _, entry := range e.AsList().Elements() {
			value := r.follow(entry)
			list.entries = slices.Concat(list.entries, value.paths, value.entries)
		}
		return list
	case ast.ComprehensionKind:
		return r.comprehension(e.AsComprehension())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			r.use(r.follow(entry.AsMapEntry().Key()), r.follow(entry.AsMapEntry().Value()))
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			r.use(r.follow(field.AsStructField().Value()))
		}
	}
	return parts{}
}

// passing are functions that give back what they are given, or part of it.
var passing = map[string]bool{
	operators.Conditional: true, operators.Add: true, "dyn": true,
	"orValue": true, "or": true, "value": true, "optional.of": true, "optional.ofNonZeroValue": true, "optional.none": true,
}

func (r *reads) call(call ast.CallExpr) parts {
	arguments := call.Args()
	if call.IsMemberFunction() {
		arguments = append([]ast.Expr{call.Target()}, arguments...)
	}
	switch name := call.FunctionName(); name {
	case operators.OptSelect, operators.OptIndex, operators.Index:
		return r.index(arguments[0], arguments[1])
	case "hasValue":
		r.presence(r.follow(arguments[0]))
		return parts{}
	case operators.Conditional:
		r.use(r.follow(arguments[0]))
		return r.all(arguments[1:])
	default:
		all := r.all(arguments)
		if passing[name] {
			return all
		}
		r.use(all)
		return parts{}
	}
}

func (r *reads) all(expressions []ast.Expr) parts {
	all := parts{}
	for _, e := range expressions {
		all = all.with(r.follow(e))
	}
	return all
}

// index is an entry, by a name or a number that is known, or any of them.
func (r *reads) index(of, by ast.Expr) parts {
	value := r.follow(of)
	if by.Kind() == ast.LiteralKind {
		switch key := by.AsLiteral().Value().(type) {
		case string:
			return value.field(key)
		case int64, uint64:
			return value.entry()
		}
	}
	r.use(value, r.follow(by))
	return value.entry()
}

// comprehension follows the variables of a macro, such as exists, filter and optMap. The accumulator is followed twice: what
// one turn of the loop adds to it, the next may read.
func (r *reads) comprehension(c ast.ComprehensionExpr) parts {
	outer := r.scope
	defer func() { r.scope = outer }()
	over := r.follow(c.IterRange())
	// That the loop turns at all is read: an empty list and an absent one differ.
	r.shape(over)
	inner := make(map[string]parts, len(outer)+3)
	for name, value := range outer {
		inner[name] = value
	}
	inner[c.AccuVar()] = r.follow(c.AccuInit())
	r.scope = inner
	inner[c.IterVar()] = over.entry()
	if c.HasIterVar2() {
		inner[c.IterVar()], inner[c.IterVar2()] = parts{}, over.entry()
	}
	for range 2 {
		r.use(r.follow(c.LoopCondition()))
		inner[c.AccuVar()] = inner[c.AccuVar()].with(r.follow(c.LoopStep()))
	}
	return r.follow(c.Result())
}

// presence takes note that it is read whether something is there, and not what.
func (r *reads) presence(value parts) {
	for _, path := range value.paths {
		r.fields.addEmpty(path)
	}
}

// shape takes note of how many entries there are, and of nothing in them.
func (r *reads) shape(value parts) { r.presence(value.entryOfPaths()) }

func (p parts) with(other parts) parts {
	return parts{paths: union(p.paths, other.paths), entries: union(p.entries, other.entries)}
}

func union(a, b [][]string) [][]string {
	all := slices.Clone(a)
	for _, path := range b {
		if !slices.ContainsFunc(all, func(known []string) bool { return slices.Equal(known, path) }) {
			all = append(all, path)
		}
	}
	return all
}

func (p parts) field(name string) parts { return p.below(name) }

func (p parts) entryOfPaths() parts { return p.below(Each) }

func (p parts) entry() parts {
	entry := p.entryOfPaths()
	entry.paths = slices.Concat(entry.paths, p.entries)
	return entry
}

func (p parts) below(name string) parts {
	below := parts{}
	for _, path := range p.paths {
		below.paths = append(below.paths, append(slices.Clone(path), name))
	}
	return below
}
