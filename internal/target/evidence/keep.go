package evidence

import (
	"slices"

	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// Fields are what the table reads of an object without rules, but for the fields that Keep finds by the ends of their names.
var Fields = fieldsOfTable()

func fieldsOfTable() *rules.Fields {
	paths := [][]string{
		{"spec", "replicas"}, {"status", "replicas"}, {"status", "message"}, {"status", "reason"}, {"status", "health", "status"},
	}
	for _, field := range suspendingFields {
		paths = append(paths, []string{"spec", field})
	}
	for _, field := range slices.Concat(wordFields[1:], boolFields, errorFields, readyFields) {
		paths = append(paths, []string{"status", field})
	}
	fields := rules.FieldsOf(paths...)
	for _, field := range partFields {
		fields = fields.Union(FieldsOfConditions("status", field, rules.Each, "conditions"))
	}
	return fields
}

// FieldsOfConditions are what is read of the conditions at a path.
func FieldsOfConditions(path ...string) *rules.Fields {
	var paths [][]string
	for _, field := range []string{
		"type", "status", "reason", "message", "severity", "observedGeneration", "lastTransitionTime",
	} {
		paths = append(paths, append(slices.Clone(path), rules.Each, field))
	}
	return rules.FieldsOf(paths...)
}

// somethingElse stands in a status for all that was left out, where nothing else of it was kept: it has reported something.
const somethingElse = "health.aliascheck.dev/something-else"

// Keep adds to what was kept of an object what Fields cannot name: that there is a status with something in it, and, for the
// table, the fields that are named after a state.
func Keep(kept, object map[string]any, table bool) {
	status, ok := object["status"].(map[string]any)
	to, keptOK := kept["status"].(map[string]any)
	if !ok || !keptOK {
		return
	}
	for field, value := range status {
		if word, isText := value.(string); table && isText && namedAfterState(field) {
			to[field] = word
		}
	}
	if saysSomething(status) && !saysSomething(to) {
		to[somethingElse] = true
	}
}
