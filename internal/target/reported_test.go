package target

import (
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Statuses of a kind without rules that somebody once had, and that must not look healthy, or unreadable, for what they are.
func TestStatusesThatWereTakenForHealthyOrCouldNotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		status string
		ref    Reference
		state  v1alpha1.State
		reason string
	}{
		"no status yet":     {`{}`, Reference{}, v1alpha1.StateUnknown, "NotYetReported"},
		"a bad word":        {`{health: red, phase: ApplyingChanges, observedGeneration: 1}`, Reference{}, v1alpha1.StateCritical, ""},
		"a bad word within": {`{health: {status: Degraded}, sync: {status: Synced}}`, Reference{}, v1alpha1.StateCritical, ""},
		"ready, and not in step": {`{conditions: [{type: Ready, status: "True"}, {type: Synced, status: "False", reason: ReconcileError}]}`,
			Reference{}, v1alpha1.StateWarning, "ReconcileError"},
		"not ready": {`{conditions: [{type: Ready, status: "False", reason: Down}]}`, Reference{}, v1alpha1.StateCritical, "Down"},
		"a generation in digits": {`{observedGeneration: "1", conditions: [{type: Ready, status: "True", reason: Up}]}`,
			Reference{}, v1alpha1.StatePassing, "Up"},
		"a generation in digits, and one condition": {`{observedGeneration: "0", conditions: [{type: Ready, status: "True", reason: Up}]}`,
			Reference{ConditionType: "Ready"}, v1alpha1.StateWarning, "InProgress"},
		"no generation": {`{observedGeneration: null, conditions: [{type: Ready, status: "True", reason: Up}]}`,
			Reference{}, v1alpha1.StatePassing, "Up"},
		"a status that is a boolean": {`{conditions: [{type: Ready, status: true, reason: Up}]}`, Reference{}, v1alpha1.StatePassing, "Up"},
		"being reconciled": {`{conditions: [{type: Ready, status: Unknown, reason: Progressing}, {type: Reconciling, status: "True"}]}`,
			Reference{}, v1alpha1.StateUnknown, "Progressing"},
	} {
		t.Run(name, func(t *testing.T) {
			m := objectMember(c.ref, object(t, `{apiVersion: trial.example.com/v1, kind: Widget, metadata: {name: w, generation: 1}, status: `+c.status+`}`), nil)
			if m.State != c.state || c.reason != "" && m.Reason != c.reason {
				t.Errorf("got %s %s %q, want %s %s", m.State, m.Reason, m.Message, c.state, c.reason)
			}
			if bounded := health.Bounded(m.Message); m.Message == "" || bounded != m.Message {
				t.Errorf("the message is %q", m.Message)
			}
		})
	}
}
