package gate_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/gate"
	"github.com/aliascheck/aliascheck/internal/health"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAGateIsTrueWhileItsAliasIsReadyAndFalseOtherwise(t *testing.T) {
	for _, row := range []struct {
		rule    string
		alias   *v1alpha1.AliasCheck
		status  corev1.ConditionStatus
		reason  string
		message string
	}{
		{
			"a Passing alias", aliasIn(v1alpha1.StatePassing, "AllPassing", "all 3 checks are Passing"),
			corev1.ConditionTrue, "AllPassing", "AliasCheck db is Passing (AllPassing): all 3 checks are Passing",
		},
		{
			"a Warning alias", aliasIn(v1alpha1.StateWarning, "ProbeWarned", "429 Too Many Requests"),
			corev1.ConditionTrue, "ProbeWarned", "AliasCheck db is Warning (ProbeWarned): 429 Too Many Requests",
		},
		{
			"a Critical alias", aliasIn(v1alpha1.StateCritical, "ProbeFailed", "dial db:5432: refused"),
			corev1.ConditionFalse, "ProbeFailed", "AliasCheck db is Critical (ProbeFailed): dial db:5432: refused",
		},
		{
			"an alias in Maintenance", aliasIn(v1alpha1.StateMaintenance, "Maintenance", "upgrade"),
			corev1.ConditionFalse, "Maintenance", "AliasCheck db is Maintenance (Maintenance): upgrade",
		},
		{
			"an Unknown alias", aliasIn(v1alpha1.StateUnknown, "ReadError", "timed out"),
			corev1.ConditionFalse, "ReadError", "AliasCheck db is Unknown (ReadError): timed out",
		},
		{
			"an alias that has not reported", &v1alpha1.AliasCheck{},
			corev1.ConditionFalse, "Unknown", "AliasCheck db is Unknown (Unknown)",
		},
		{
			"no alias", nil,
			corev1.ConditionFalse, "AliasNotFound", `there is no AliasCheck "db" in namespace shop`,
		},
		{
			"an invalid reason", aliasIn(v1alpha1.StateCritical, "no such host!", "lookup failed"),
			corev1.ConditionFalse, "Critical", "AliasCheck db is Critical (Critical): lookup failed",
		},
	} {
		t.Run(row.rule, func(t *testing.T) {
			due := gate.Due(podWith("health.aliascheck.dev/db"), aliases(row.alias), noon.Add(time.Millisecond))
			want := corev1.PodCondition{
				Type: "health.aliascheck.dev/db", Status: row.status, Reason: row.reason, Message: row.message,
				LastTransitionTime: metav1.Time{Time: noon},
			}
			if len(due) != 1 || due[0] != want {
				t.Errorf("due are\n%+v\nwant\n%+v", due, want)
			}
		})
	}
}

func TestI7TheSameAliasAgainMakesNothingDue(t *testing.T) {
	for _, alias := range []*v1alpha1.AliasCheck{nil, aliasIn(v1alpha1.StateCritical, "ProbeFailed", "refused")} {
		pod := podWith("health.aliascheck.dev/db")
		pod.Status.Conditions = gate.Due(pod, aliases(alias), noon)
		if due := gate.Due(pod, aliases(alias), noon.Add(time.Hour)); len(due) != 0 {
			t.Errorf("an hour later are due %+v, want none", due)
		}
	}
}

func TestTheTimeOfAConditionIsThatOfItsLastChangeOfStatus(t *testing.T) {
	pod := podWith("health.aliascheck.dev/db")
	pod.Status.Conditions = gate.Due(pod, aliases(aliasIn(v1alpha1.StateCritical, "ProbeFailed", "refused")), noon)
	for _, row := range []struct {
		change string
		alias  *v1alpha1.AliasCheck
		want   time.Time
	}{
		{"another message", aliasIn(v1alpha1.StateCritical, "ProbeFailed", "timed out"), noon},
		{"another reason", aliasIn(v1alpha1.StateMaintenance, "Maintenance", "upgrade"), noon},
		{"an alias that was deleted", nil, noon},
		{"another status", aliasIn(v1alpha1.StatePassing, "ProbePassed", "accepted"), noon.Add(time.Hour)},
	} {
		due := gate.Due(pod, aliases(row.alias), noon.Add(time.Hour))
		if len(due) != 1 || !due[0].LastTransitionTime.Time.Equal(row.want) {
			t.Errorf("%s: due are %+v, want one of %s", row.change, due, row.want)
		}
	}
}

func TestOnlyTheGateThatChangedIsDue(t *testing.T) {
	pod := podWith("health.aliascheck.dev/db", "health.aliascheck.dev/queue", "example.com/other")
	both := aliases(aliasIn(v1alpha1.StatePassing, "ProbePassed", ""))
	both["queue"] = aliasIn(v1alpha1.StatePassing, "ProbePassed", "")
	pod.Status.Conditions = append(gate.Due(pod, both, noon),
		corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse},
		corev1.PodCondition{Type: "health.aliascheck.dev/unnamed", Status: corev1.ConditionTrue})

	delete(both, "queue")
	due := gate.Due(pod, both, noon)
	if len(due) != 1 || due[0].Type != "health.aliascheck.dev/queue" {
		t.Errorf("due are %+v, want the one of queue", due)
	}
}

func TestDueLeavesThePodAndTheAliasAlone(t *testing.T) {
	pod, alias := podWith("health.aliascheck.dev/db"), aliasIn(v1alpha1.StateCritical, "ProbeFailed", "refused")
	pod.Status.Conditions = gate.Due(pod, aliases(nil), noon)
	podBefore, aliasBefore := pod.DeepCopy(), alias.DeepCopy()
	gate.Due(pod, aliases(alias), noon.Add(time.Hour))
	if !equality.Semantic.DeepEqual(pod, podBefore) || !equality.Semantic.DeepEqual(alias, aliasBefore) {
		t.Error("the pod or the alias has changed")
	}
}

func TestAMessageIsBoundedHoweverLongTheAliasSpeaks(t *testing.T) {
	long := aliasIn(v1alpha1.StateCritical, "ProbeFailed", strings.Repeat("ä", 2000))
	due := gate.Due(podWith("health.aliascheck.dev/db"), aliases(long), noon)
	if got := len(due[0].Message); got > v1alpha1.MaxMessageBytes {
		t.Errorf("the message has %d bytes, want at most %d", got, v1alpha1.MaxMessageBytes)
	}
}

func aliasIn(state v1alpha1.State, reason, message string) *v1alpha1.AliasCheck {
	alias := &v1alpha1.AliasCheck{}
	alias.Status.CheckStatus = health.Verdict{State: state, Reason: reason, Message: message}.
		ApplyTo(v1alpha1.CheckStatus{}, 1, noon)
	return alias
}

// aliases are those of namespace shop: db, where it is given, and no other.
func aliases(db *v1alpha1.AliasCheck) map[string]*v1alpha1.AliasCheck {
	if db == nil {
		return map[string]*v1alpha1.AliasCheck{}
	}
	return map[string]*v1alpha1.AliasCheck{"db": db}
}

func TestAPodWithConditionsHasThoseAndItsOwn(t *testing.T) {
	pod := podWith("health.aliascheck.dev/db", "health.aliascheck.dev/queue")
	pod.ResourceVersion = "7"
	pod.Status.Conditions = append(gate.Due(pod, aliases(nil), noon)[:1], corev1.PodCondition{Type: corev1.PodReady})
	before := pod.DeepCopy()
	both := aliases(aliasIn(v1alpha1.StatePassing, "ProbePassed", ""))

	with := gate.With(pod, gate.Due(pod, both, noon), "8")
	if due := gate.Due(with, both, noon); len(due) != 0 || with.ResourceVersion != "8" {
		t.Errorf("in version %s are still due %+v", with.ResourceVersion, due)
	}
	if len(with.Status.Conditions) != 3 || gate.Shown(with, corev1.PodReady) == nil {
		t.Errorf("the conditions are %+v, want the two of the gates and Ready", with.Status.Conditions)
	}
	if !equality.Semantic.DeepEqual(pod, before) {
		t.Error("the pod has changed")
	}
}
