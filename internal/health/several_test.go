package health

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func service() Member {
	return Member{APIVersion: "v1", Kind: "Service", Namespace: "shop", Name: "web"}
}

func TestOneOfSeveralIsWhatAnAliasOfItAloneShows(t *testing.T) {
	db := Member{Kind: "HealthCheck", Namespace: "shop", Name: "db"}
	two := intstr.FromInt32(2)
	a := alias(func(a *v1alpha1.AliasCheck) {
		a.Spec.WhenMissing, a.Spec.WhenEmpty, a.Spec.MinReady = v1alpha1.StateWarning, v1alpha1.StateCritical, &two
	})
	for name, c := range map[string]struct {
		itself     Member
		seen       Observation
		state      v1alpha1.State
		reason     string
		culprit    string
		unresolved bool
	}{
		"mirrored": {db, Observation{Members: []Member{check("db", v1alpha1.StateCritical, "down")}},
			v1alpha1.StateCritical, "", "db", false},
		"missing": {db, Observation{Problem: v1alpha1.ReasonTargetNotFound, Suspect: &v1alpha1.Culprit{Kind: "HealthCheck", Name: "db", Namespace: "shop"}},
			v1alpha1.StateWarning, v1alpha1.ReasonTargetNotFound, "db", true},
		"combined, without minReady of its own": {service(), Observation{Combined: true, Members: []Member{
			check("a", v1alpha1.StateCritical, "down"), check("b", v1alpha1.StatePassing, ""), check("c", v1alpha1.StatePassing, ""),
		}}, v1alpha1.StateCritical, "CriticalChecks", "a", false},
		"empty": {service(), Observation{Combined: true}, v1alpha1.StateCritical, v1alpha1.ReasonNoChecks, "web", false},
		"all suspended": {service(), Observation{Combined: true, Members: []Member{suspended("a"), suspended("b")}},
			v1alpha1.StateUnknown, v1alpha1.ReasonSuspended, "web", false},
	} {
		t.Run(name, func(t *testing.T) {
			m := Alone(a, c.itself, c.seen)
			if m.State != c.state || m.Reason != c.reason || m.culprit().Name != c.culprit || (m.Unresolved != nil) != c.unresolved {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestSeveralOfWhichOneIsMissingSaySo(t *testing.T) {
	missing := Alone(alias(), service(), Observation{Problem: v1alpha1.ReasonTargetNotFound, Message: "Service/web does not exist"})
	forbidden := Alone(alias(), service(), Observation{Problem: v1alpha1.ReasonKindForbidden, Message: "may not"})
	for name, c := range map[string]struct {
		members  []Member
		minReady int
		resolved metav1.ConditionStatus
		reason   string
		stalled  bool
	}{
		"all there":              {[]Member{check("a", v1alpha1.StatePassing, "")}, 0, metav1.ConditionTrue, "Resolved", false},
		"one missing":            {[]Member{check("a", v1alpha1.StatePassing, ""), missing}, 0, metav1.ConditionFalse, "TargetNotFound", false},
		"one forbidden":          {[]Member{check("a", v1alpha1.StatePassing, ""), forbidden}, 0, metav1.ConditionFalse, "KindForbidden", true},
		"one forbidden too much": {[]Member{check("a", v1alpha1.StatePassing, ""), forbidden}, 1, metav1.ConditionFalse, "KindForbidden", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := alias()
			if c.minReady > 0 {
				enough := intstr.FromInt(c.minReady)
				a.Spec.MinReady = &enough
			}
			status := ApplyObservation(a, Observation{Combined: true, Members: c.members}, noon)
			resolved := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionTargetResolved)
			if resolved.Status != c.resolved || resolved.Reason != c.reason {
				t.Errorf("got %+v", resolved)
			}
			if got := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled); got != c.stalled {
				t.Errorf("stalled is %t in state %s", got, status.State)
			}
		})
	}
}

func TestWhatCannotBeReadWaitsOnlyWhereItMakesADifference(t *testing.T) {
	unread := service()
	unread.Unread = errors.New("no answer")
	for name, c := range map[string]struct {
		members  []Member
		minReady string
		decided  bool
		state    v1alpha1.State // once it is told
	}{
		"beside one that passes":           {[]Member{check("a", v1alpha1.StatePassing, ""), unread}, "", false, v1alpha1.StateUnknown},
		"beside one that has failed":       {[]Member{check("a", v1alpha1.StateCritical, ""), unread}, "", true, v1alpha1.StateCritical},
		"where enough are Ready":           {[]Member{check("a", v1alpha1.StateWarning, ""), unread}, "1", true, v1alpha1.StateWarning},
		"where it could be what is wanted": {[]Member{check("a", v1alpha1.StateCritical, ""), unread}, "1", false, v1alpha1.StateCritical},
		"all of them":                      {[]Member{unread}, "", false, v1alpha1.StateUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			a := alias()
			if c.minReady != "" {
				minReady := intstr.Parse(c.minReady)
				a.Spec.MinReady = &minReady
			}
			o := Observation{Combined: true, Members: c.members}
			if got := Decided(a, o); got != c.decided {
				t.Errorf("decided is %t", got)
			}
			told := o.ReadErrors(func(err error) string { return err.Error() })
			if v, _ := Alias(a, told); v.State != c.state {
				t.Errorf("told it is %s %q", v.State, v.Message)
			}
			if o.Members[len(o.Members)-1].State != "" {
				t.Error("the observation itself was changed")
			}
		})
	}
	if Decided(alias(), Observation{Members: []Member{check("a", v1alpha1.StateCritical, "")}}) {
		t.Error("a single target that was read is no matter of what could not be")
	}
}

func TestEachOfSeveralFailsByItself(t *testing.T) {
	one, other := service(), service()
	one.FailingSince, other.FailingSince, other.Unread = noon, noon.Add(-time.Hour), errors.New("for an hour")
	if got := (Observation{Combined: true, Members: []Member{one, other}}).Failing(); len(got) != 1 || !got[0].Equal(noon) {
		t.Errorf("got %v", got)
	}
}
