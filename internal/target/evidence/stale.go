package evidence

import (
	"maps"
	"slices"

	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// conditionsField is the name of a list of conditions: that of the status, and those of its parts.
const conditionsField = "conditions"

// generationFields are those of a status that say of which generation it is, and nothing else.
var generationFields = []string{"observedGeneration", "desiredGeneration", "lastGeneration"}

// stale reports whether a rule that holds rests on something of an older generation. What it reads of the status beside
// conditions is of the generation of the status; and it has to hold without the conditions that are older.
func (r *reading) stale(set *rules.Set, verdict rules.Verdict) bool {
	reads := verdict.Reads.Below("status")
	if reads == nil {
		return false
	}
	conditions := reads.Mentions(conditionsField, generationFields...)
	fields := reads.MentionsBeside(slices.Concat(generationFields, []string{conditionsField})...)
	if (fields || !conditions) && r.statusOlder() {
		return true
	}
	older := r.olderConditions()
	if !conditions || len(older) == 0 {
		return false
	}
	if !set.HoldsFor(verdict.Index, r.withConditions(func(c map[string]any) bool { return !r.entryOlder(c) })) {
		return true
	}
	return !fields && r.restsOnAbsence(set, verdict, older)
}

// restsOnAbsence reports whether a rule holds because conditions are absent, or not what it asks for, and one of those that
// it names is older: a Degraded that was not True is asked anew by each generation.
func (r *reading) restsOnAbsence(set *rules.Set, verdict rules.Verdict, older []string) bool {
	if !set.HoldsFor(verdict.Index, r.withConditions(func(map[string]any) bool { return false })) {
		return false
	}
	named := func(conditionType string) bool { return slices.Contains(verdict.Literals, conditionType) }
	namesNone := !slices.ContainsFunc(r.conditions, func(c Condition) bool { return named(c.Type) })
	return namesNone || slices.ContainsFunc(older, named)
}

// statusOlder reports whether what the status says is of an older generation. Where it does not say so itself, as in the kinds
// that have a generation on their conditions only, the summary condition says it.
func (r *reading) statusOlder() bool {
	if c, found := r.summary(); found && !r.tellsGeneration() {
		return r.conditionOlder(c)
	}
	return r.older()
}

func (r *reading) tellsGeneration() bool {
	return says(r.generation, r.status["observedGeneration"]) || says(r.generation, r.status["lastGeneration"])
}

// entryOlder asks an entry of a list of conditions itself first, as conditionOlder does.
func (r *reading) entryOlder(c map[string]any) bool {
	if observed := c["observedGeneration"]; says(r.generation, observed) {
		return olderThan(r.generation, observed)
	}
	return r.statusOlder()
}

// olderConditions are the types of the conditions, at any depth of the status, that are of an older generation.
func (r *reading) olderConditions() []string {
	var older []string
	eachCondition(r.object.Object["status"], func(c map[string]any) {
		if r.entryOlder(c) {
			conditionType, _ := c["type"].(string)
			older = append(older, conditionType)
		}
	})
	return older
}

func eachCondition(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			list, _ := inner.([]any)
			for _, entry := range list {
				if c, ok := entry.(map[string]any); ok && name == conditionsField {
					visit(c)
				}
			}
			eachCondition(inner, visit)
		}
	case []any:
		for _, entry := range v {
			eachCondition(entry, visit)
		}
	}
}

// withConditions is the object with only some of its conditions. What is read from the cache is not changed.
func (r *reading) withConditions(wanted func(map[string]any) bool) map[string]any {
	object := maps.Clone(r.object.Object)
	object["status"] = filterConditions(r.object.Object["status"], wanted)
	return object
}

func filterConditions(value any, wanted func(map[string]any) bool) any {
	switch v := value.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, inner := range v {
			if list, ok := inner.([]any); ok && name == conditionsField {
				kept[name] = slices.DeleteFunc(slices.Clone(list), func(entry any) bool {
					c, ok := entry.(map[string]any)
					return ok && !wanted(c)
				})
				continue
			}
			kept[name] = filterConditions(inner, wanted)
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, entry := range v {
			kept[i] = filterConditions(entry, wanted)
		}
		return kept
	default:
		return value
	}
}
