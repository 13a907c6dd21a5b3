package celbounds

import (
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

const (
	// patternUnit is how many instructions of a pattern count as one step for each tenth byte of the text.
	patternUnit = 32
	// weightLimit ends the weighing of a value: an expression with such a value in it costs too much anyway.
	weightLimit = 10_000_000
)

// Sizes tells what a call costs. Text that is appended to costs as much as the result has, a pattern as much as it compiles to, a
// comparison as much as both sides have with all that is below them, and everything else as much as the texts it is given.
type Sizes struct{}

// CallCost implements interpreter.ActualCostEstimator.
func (Sizes) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	cost := uint64(1)
	switch {
	case function == operators.Add:
		cost = added(args, result)
	case function == "matches" && len(args) == 2:
		pattern, _ := args[1].Value().(string)
		size, _ := patternSize(pattern)
		cost = tenth(args[0]) * uint64(size/patternUnit+1)
	case function == operators.Equals, function == operators.NotEquals, function == operators.In:
		for _, argument := range args {
			cost += uint64(weight(argument, weightLimit) / 10)
		}
	default:
		cost += texts(append(args, result)...)
	}
	return &cost
}

// added is what an addition costs: text is copied, and a list only looks at both that it is made of.
func added(args []ref.Val, result ref.Val) uint64 {
	if _, list := result.(traits.Lister); list && len(args) == 2 {
		return tenth(args[1])
	}
	return tenth(result)
}

// tenth of the size of a value, as CEL itself counts text.
func tenth(value ref.Val) uint64 {
	if text, ok := value.(types.String); ok {
		return uint64(len(text)/10) + 1
	}
	if sizer, ok := value.(traits.Sizer); ok {
		if size, ok := sizer.Size().(types.Int); ok {
			return uint64(size/10) + 1
		}
	}
	return 1
}

// texts is a tenth of the lengths of those values which are text.
func texts(values ...ref.Val) (cost uint64) {
	for _, value := range values {
		if text, ok := value.(types.String); ok {
			cost += uint64(len(text) / 10)
		}
	}
	return cost
}

// weight is how large a value is with all that is below it, as far as the limit.
func weight(value any, limit int) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case types.String:
		return len(v)
	case map[string]any:
		total := len(v)
		for name, inner := range v {
			total += len(name) + weight(inner, limit-total)
			if total >= limit {
				break
			}
		}
		return total
	case []any:
		return weightOf(v, limit)
	case []ref.Val:
		return weightOf(v, limit)
	case traits.Lister, traits.Mapper:
		return weight(v.(ref.Val).Value(), limit)
	default:
		return 1
	}
}

func weightOf[T any](list []T, limit int) int {
	total := len(list)
	for _, inner := range list {
		total += weight(inner, limit-total)
		if total >= limit {
			break
		}
	}
	return total
}
