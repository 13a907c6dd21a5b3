package health

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestTheTransitionOfAnAggregate(t *testing.T) {
	const (
		passing  = v1alpha1.StatePassing
		warning  = v1alpha1.StateWarning
		critical = v1alpha1.StateCritical
	)
	at := func(minute int) time.Time { return time.Date(2026, 1, 2, 10, minute, 0, 0, time.UTC) }
	now := at(59)
	member := func(name string, state v1alpha1.State, since time.Time) Member {
		m := check(name, state, "")
		m.Since = since
		return m
	}
	untold := time.Time{}

	for _, row := range []struct {
		rule   string
		before v1alpha1.State
		since  time.Time
		now    []Member
		want   time.Time
	}{
		{"all pass since the last of them does", "", untold,
			[]Member{member("a", passing, at(10)), member("b", passing, at(20))}, at(20)},
		{"the first that failed made it fail", "", untold,
			[]Member{member("a", critical, at(10)), member("b", critical, at(20))}, at(10)},
		{"a first state that somebody does not date is new", "", untold,
			[]Member{member("a", passing, at(10)), member("b", passing, untold)}, now},
		{"a lasting state keeps its time", critical, at(10), []Member{member("a", critical, at(30))}, at(10)},
		{"what got worse did so with the member that did", passing, at(10),
			[]Member{member("a", critical, at(30)), member("b", passing, at(10))}, at(30)},
		{"of two that failed since, with the first", passing, at(10),
			[]Member{member("a", critical, at(31)), member("b", critical, at(30))}, at(30)},
		{"a member that came with an old failure made it worse now", passing, at(30),
			[]Member{member("a", critical, at(10)), member("b", passing, at(30))}, now},
		{"a member that does not date its failure made it worse now", passing, at(30),
			[]Member{member("endpoints", critical, untold), member("b", passing, at(30))}, now},
		{"what got better did so now, because a member that went away does not say when", critical, at(10),
			[]Member{member("b", warning, at(30))}, now},
	} {
		t.Run(row.rule, func(t *testing.T) {
			a := alias(func(a *v1alpha1.AliasCheck) {
				a.Status.State = row.before
				if !row.since.IsZero() {
					a.Status.LastTransitionTime = &metav1.Time{Time: row.since}
				}
			})
			status := ApplyObservation(a, Observation{Combined: true, Members: row.now}, now)
			if !status.LastTransitionTime.Time.Equal(row.want) {
				t.Errorf("the transition is at %s, want %s", status.LastTransitionTime, row.want)
			}
		})
	}
}
