package rules

import (
	"maps"
	"slices"
)

// Fields are parts of an object: a tree of the names of fields. The zero value has none.
type Fields struct {
	// whole says that all below is part of it.
	whole bool
	below map[string]*Fields
}

// Each is the name that stands for every entry of a list, and for every field of a map.
const Each = "*"

// FieldsOf are those at some paths, each with all that is below it.
func FieldsOf(paths ...[]string) *Fields {
	f := &Fields{}
	for _, path := range paths {
		f.add(path)
	}
	return f
}

func (f *Fields) add(path []string) {
	if f.whole {
		return
	}
	if len(path) == 0 {
		f.whole, f.below = true, nil
		return
	}
	if f.below == nil {
		f.below = map[string]*Fields{}
	}
	if f.below[path[0]] == nil {
		f.below[path[0]] = &Fields{}
	}
	f.below[path[0]].add(path[1:])
}

// addEmpty adds what is at a path, and nothing that is below it.
func (f *Fields) addEmpty(path []string) {
	for _, name := range path {
		if f.whole {
			return
		}
		if f.below == nil {
			f.below = map[string]*Fields{}
		}
		if f.below[name] == nil {
			f.below[name] = &Fields{}
		}
		f = f.below[name]
	}
}

// Union is the fields of both.
func (f *Fields) Union(other *Fields) *Fields {
	switch {
	case f == nil:
		return other
	case other == nil:
		return f
	case f.whole || other.whole:
		return &Fields{whole: true}
	}
	union := &Fields{below: maps.Clone(f.below)}
	if union.below == nil {
		union.below = map[string]*Fields{}
	}
	for name, fields := range other.below {
		union.below[name] = union.below[name].Union(fields)
	}
	return union
}

// Has reports whether all fields of another are among these. Entries of a list are not told apart from fields that are
// named one by one, so that it may be false where it need not.
func (f *Fields) Has(other *Fields) bool {
	switch {
	case other == nil || f != nil && f.whole:
		return true
	case f == nil || other.whole:
		return false
	}
	for name, fields := range other.below {
		if !f.below[name].Has(fields) {
			return false
		}
	}
	return true
}

// Keep is what these fields are of a value, which is not changed and is shared with what is kept. The length of a list stays,
// and so do values which are no maps where fields of them are wanted: to an expression both look as they did.
func (f *Fields) Keep(value any) any {
	if f.whole {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		return f.keepMap(v)
	case []any:
		each := f.below[Each]
		if each == nil {
			each = f // fields of the entries without a word of a list: they are looked for in each
		}
		kept := make([]any, len(v))
		for i, entry := range v {
			kept[i] = each.Keep(entry)
		}
		return kept
	default:
		return value
	}
}

func (f *Fields) keepMap(value map[string]any) map[string]any {
	kept := make(map[string]any, len(f.below))
	if each := f.below[Each]; each != nil {
		for name, inner := range value {
			kept[name] = each.Union(f.below[name]).Keep(inner)
		}
		return kept
	}
	for name, fields := range f.below {
		if inner, found := value[name]; found {
			kept[name] = fields.Keep(inner)
		}
	}
	return kept
}

// Below are the fields below a name; nil if there are no such fields.
func (f *Fields) Below(name string) *Fields {
	switch {
	case f == nil:
		return nil
	case f.whole:
		return f
	default:
		return f.below[name]
	}
}

// Names are the names at the top; whole says that there are all.
func (f *Fields) Names() (names []string, whole bool) {
	if f == nil {
		return nil, false
	}
	for name := range f.below {
		names = append(names, name)
	}
	return names, f.whole
}

// Mentions reports whether a field with this name may be among them, at any depth: also below one of which all is read, but
// for those with the other names.
func (f *Fields) Mentions(name string, notBelow ...string) bool {
	if f.whole || f.below[name] != nil {
		return true
	}
	for other, below := range f.below {
		if !slices.Contains(notBelow, other) && below.Mentions(name, notBelow...) {
			return true
		}
	}
	return false
}

// MentionsBeside reports whether they have anything that is not below a field with one of these names.
func (f *Fields) MentionsBeside(names ...string) bool {
	if f.whole || len(f.below) == 0 {
		return true
	}
	for name, below := range f.below {
		if !slices.Contains(names, name) && below.MentionsBeside(names...) {
			return true
		}
	}
	return false
}

// besideEntries adds a field to the entries of every list with a name of which others are read, at any depth.
func (f *Fields) besideEntries(list, field string) *Fields {
	if f == nil || f.whole {
		return f
	}
	all := &Fields{below: make(map[string]*Fields, len(f.below))}
	for name, below := range f.below {
		all.below[name] = below.besideEntries(list, field)
		if name == list && below.below[Each] != nil {
			all.below[name] = all.below[name].Union(FieldsOf([]string{Each, field}))
		}
	}
	return all
}
