package celbounds

import (
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// maxJoined is how long a text is that join makes. It may be made of a long text for each entry of a long list.
const maxJoined = 64 << 10

// Join replaces the function join of CEL's library for strings, which has to come before it.
func Join() cel.EnvOption {
	texts := cel.ListType(cel.StringType)
	return cel.Function("join",
		cel.MemberOverload("list_join", []*cel.Type{texts}, cel.StringType,
			cel.UnaryBinding(func(list ref.Val) ref.Val { return join(list, types.String("")) })),
		cel.MemberOverload("list_join_string", []*cel.Type{texts, cel.StringType}, cel.StringType,
			cel.BinaryBinding(join)))
}

func join(list, separator ref.Val) ref.Val {
	var joined strings.Builder
	between, _ := separator.(types.String)
	for entries, first := list.(traits.Lister).Iterator(), true; entries.HasNext() == types.True; first = false {
		entry := entries.Next()
		text, ok := entry.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(entry)
		}
		if !first {
			joined.WriteString(string(between))
		}
		if joined.Len()+len(text)+len(between) > maxJoined {
			return types.NewErr("the text that join makes is longer than %d KiB", maxJoined>>10)
		}
		joined.WriteString(string(text))
	}
	return types.String(joined.String())
}
