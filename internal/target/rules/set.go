package rules

import (
	"fmt"

	"github.com/google/cel-go/cel"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Set is the compiled rules of a kind, or those of one alias. It is safe for concurrent use.
type Set struct {
	rules        []compiled
	fields, kept *Fields
}

type compiled struct {
	v1alpha1.Rule
	when     cel.Program
	literals []string // the texts in when
	reads    *Fields
	message  cel.Program // nil for a rule without one
}

// Verdict is what the first rule that holds says. Where none holds, Index is -1.
type Verdict struct {
	// Index of the rule that holds.
	Index int
	State v1alpha1.State
	// Reason is empty where the rule has none.
	Reason string
	// Message is empty where the rule has none, or has one that cannot be evaluated.
	Message string
	// Literals are the texts in the expression that holds, in order: among them are the types of the conditions that it
	// asks for.
	Literals []string
	// Reads is what the expression that holds reads of the object.
	Reads *Fields
	// Failed are the rules that could not be evaluated before one held, each with why, in words.
	Failed []string
}

// Holds reports whether a rule holds.
func (v Verdict) Holds() bool { return v.Index >= 0 }

// Compile compiles rules. The error names the rule and its field, and says what is wrong with the expression.
func Compile(list []v1alpha1.Rule) (*Set, error) {
	set := &Set{rules: make([]compiled, 0, len(list)), fields: &Fields{}}
	for i, rule := range list {
		when, err := compile(rule.When, cel.BoolType)
		if err != nil {
			return nil, fmt.Errorf("rules[%d].when: %w", i, err)
		}
		c := compiled{Rule: rule, when: when.program, literals: when.literals(), reads: when.fields()}
		set.fields = set.fields.Union(c.reads)
		if rule.Message != "" {
			message, err := compile(rule.Message, cel.StringType)
			if err != nil {
				return nil, fmt.Errorf("rules[%d].message: %w", i, err)
			}
			c.message = message.program
			set.fields = set.fields.Union(message.fields())
		}
		set.rules = append(set.rules, c)
	}
	set.kept = set.fields.besideEntries("conditions", "observedGeneration")
	return set, nil
}

// Evaluate tries the rules on the fields of an object, in order.
func (s *Set) Evaluate(object map[string]any) Verdict {
	verdict := Verdict{Index: -1}
	var spent uint64
	for i, rule := range s.rules {
		if spent >= maxCostOfSet {
			verdict.Failed = append(verdict.Failed, fmt.Sprintf("rules[%d]: the rules before it cost too much", i))
			return verdict
		}
		holds, cost, err := evaluate[bool](rule.when, object)
		spent += min(cost, maxCost)
		switch {
		case err != nil:
			verdict.Failed = append(verdict.Failed, fmt.Sprintf("rules[%d]: %v", i, err))
		case holds:
			verdict.Index, verdict.State, verdict.Reason = i, rule.State, rule.Reason
			verdict.Message, verdict.Literals, verdict.Reads = rule.text(object), rule.literals, rule.reads
			return verdict
		}
	}
	return verdict
}

// HoldsFor reports whether one rule holds for the fields of an object, whatever those before it say. It costs as much as one
// expression may.
func (s *Set) HoldsFor(index int, object map[string]any) bool {
	holds, _, err := evaluate[bool](s.rules[index].when, object)
	return err == nil && holds
}

func (c compiled) text(object map[string]any) string {
	if c.message == nil {
		return ""
	}
	text, _, err := evaluate[string](c.message, object)
	if err != nil {
		return ""
	}
	return text
}
