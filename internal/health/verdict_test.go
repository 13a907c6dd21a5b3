package health_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func TestReadyOfEachState(t *testing.T) {
	for state, want := range map[v1alpha1.State]metav1.ConditionStatus{
		v1alpha1.StatePassing:     metav1.ConditionTrue,
		v1alpha1.StateWarning:     metav1.ConditionTrue,
		v1alpha1.StateCritical:    metav1.ConditionFalse,
		v1alpha1.StateMaintenance: metav1.ConditionFalse,
		v1alpha1.StateUnknown:     metav1.ConditionUnknown,
	} {
		status := health.Verdict{State: state, Reason: "R"}.ApplyTo(v1alpha1.CheckStatus{}, 1, noon)
		if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready.Status != want {
			t.Errorf("%s has Ready=%s, want %s", state, ready.Status, want)
		}
	}
}

func TestI7TheSameVerdictAgainChangesNothing(t *testing.T) {
	verdict := health.Verdict{
		State: v1alpha1.StateCritical, Reason: "ProbeFailed", Message: "no\nroute", Stalled: true,
		Resolved: &health.Resolution{Status: metav1.ConditionTrue, Reason: "Resolved"},
	}
	first := verdict.ApplyTo(v1alpha1.CheckStatus{}, 1, noon.Add(300*time.Millisecond))
	second := verdict.ApplyTo(first, 1, noon.Add(time.Hour))
	if !equality.Semantic.DeepEqual(first, second) {
		t.Errorf("an hour later the status is\n%+v\nwant\n%+v", second, first)
	}
	if nanos := first.LastTransitionTime.Nanosecond(); nanos != 0 {
		t.Errorf("the transition time has %d ns: what is read back would differ from it", nanos)
	}
}

func TestApplyToLeavesTheOldStatusAlone(t *testing.T) {
	old := health.Verdict{State: v1alpha1.StatePassing, Reason: "R"}.ApplyTo(v1alpha1.CheckStatus{}, 1, noon)
	kept := *old.DeepCopy()
	health.Verdict{State: v1alpha1.StateCritical, Reason: "S"}.ApplyTo(old, 2, noon.Add(time.Minute))
	if !equality.Semantic.DeepEqual(old, kept) {
		t.Errorf("the old status has become\n%+v\nwant\n%+v", old, kept)
	}
}

// Since when a target is unwell is the source's to say; since when the alias is stuck is the alias's own.
func TestReadyTurnsWhenTheSourceDidAndStalledWhenTheAliasDid(t *testing.T) {
	source := noon.Add(-time.Hour)
	verdict := health.Verdict{State: v1alpha1.StateCritical, Reason: "R", Since: source, Stalled: true}
	status := verdict.ApplyTo(v1alpha1.CheckStatus{}, 1, noon)
	for kind, want := range map[string]time.Time{v1alpha1.ConditionReady: source, v1alpha1.ConditionStalled: noon} {
		if c := meta.FindStatusCondition(status.Conditions, kind); !c.LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s is since %s, want %s", kind, c.LastTransitionTime, want)
		}
	}
}

func TestATransitionIsTheSourcesWhereItHasOne(t *testing.T) {
	source := noon.Add(-time.Hour)
	status := health.Verdict{State: v1alpha1.StatePassing, Reason: "R", Since: source}.ApplyTo(v1alpha1.CheckStatus{}, 1, noon)
	if !status.LastTransitionTime.Time.Equal(source) {
		t.Errorf("the transition is at %s, want that of the source, %s", status.LastTransitionTime, source)
	}
}

func TestStalledGoesWhenTheSpecIsMended(t *testing.T) {
	stalled := health.Verdict{State: v1alpha1.StateCritical, Reason: "AliasCycle", Stalled: true}.ApplyTo(v1alpha1.CheckStatus{}, 1, noon)
	if !meta.IsStatusConditionTrue(stalled.Conditions, v1alpha1.ConditionStalled) {
		t.Fatal("Stalled is not True")
	}
	mended := health.Verdict{State: v1alpha1.StatePassing, Reason: "R"}.ApplyTo(stalled, 2, noon)
	if meta.FindStatusCondition(mended.Conditions, v1alpha1.ConditionStalled) != nil {
		t.Error("Stalled is still there")
	}
}

func FuzzBounded(f *testing.F) {
	f.Add("GET http://web.shop:8080/healthz: 503 Service Unavailable")
	f.Add(strings.Repeat("ä", 600))
	f.Add("\xff\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		got := health.Bounded(text)
		if len(got) > v1alpha1.MaxMessageBytes || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00") {
			t.Errorf("Bounded(%q) = %q", text, got)
		}
		if again := health.Bounded(got); again != got {
			t.Errorf("bounding %q again gives %q", got, again)
		}
	})
}
