package target

import (
	"testing"
	"time"

	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// What is in maintenance until a time says when to look again, however it is referred to.
func TestAMaintenanceOfATargetEndsOnTime(t *testing.T) {
	end := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC) // clocks in Berlin go from 2:00 to 3:00 just then
	for name, line := range map[string]string{
		"one target":               "front: near",
		"one of several":           "front: near far",
		"one of what is selected":  "front: *x",
		"at the end of a way":      "front: between",
		"several ways to the same": "front: near between",
	} {
		t.Run(name, func(t *testing.T) {
			cached := references(t, line, "near [x]:", "far:", "between: near")
			for name, alias := range cached.byName {
				alias.Status.State, alias.Status.Reason = v1alpha1.StatePassing, "Fine"
				if name.Name == "near" {
					alias.Annotations = map[string]string{
						v1alpha1.AnnotationMaintenance: "move", v1alpha1.AnnotationMaintenanceUntil: "2026-03-29T03:00:00+02:00",
					}
				}
			}
			watches, err := NewWatches(WatchesOptions{Config: &rest.Config{}})
			if err != nil {
				t.Fatal(err)
			}
			clock := clocktesting.NewFakePassiveClock(end.Add(-time.Millisecond))
			observer := &Observer{Client: cached, Watches: watches, Clock: clock, FailingSince: neverFails}
			front := cached.byName[client.ObjectKey{Namespace: "shop", Name: "front"}]

			// What is behind another alias is that one's: it changes when the time has come, which is an edge.
			direct := name != "at the end of a way"
			expectMaintenance(t, observer, front, direct, end)
			clock.SetTime(end)
			expectMaintenance(t, observer, front, false, time.Time{})
		})
	}
}

func expectMaintenance(t *testing.T, observer *Observer, alias *v1alpha1.AliasCheck, in bool, changes time.Time) {
	t.Helper()
	observation, err := observer.Observe(t.Context(), alias)
	if err != nil {
		t.Fatal(err)
	}
	shown := false
	for _, member := range observation.Members {
		shown = shown || member.State == v1alpha1.StateMaintenance && member.Message == "move (until 2026-03-29T03:00:00+02:00)"
	}
	if shown != in {
		t.Errorf("at %s it is in maintenance: %t, want %t: %+v", observer.Clock.Now(), shown, in, observation.Members)
	}
	if got := observation.Changes(); in && !got.Equal(changes) || !in && !got.IsZero() {
		t.Errorf("it is to be looked at again at %s, want %s", got, changes)
	}
}
