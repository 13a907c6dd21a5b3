package health

import (
	"errors"
	"testing"
	"time"
)

func TestWhatCannotBeConfirmedStandsForTheGrace(t *testing.T) {
	failing := func(since time.Time) Member { return Member{Kind: "Service", Name: "web", FailingSince: since} }
	young, old := noon.Add(-time.Duration(ReadGrace)+time.Second), noon.Add(-time.Duration(ReadGrace))
	for name, c := range map[string]struct {
		observation Observation
		unread      []bool
		since       time.Time // of an observation that stands no longer
	}{
		"nothing fails":              {Observation{Members: []Member{failing(time.Time{})}}, []bool{false}, time.Time{}},
		"not for the whole grace":    {Observation{FailingSince: young, Members: []Member{failing(young)}}, []bool{false}, time.Time{}},
		"for the grace":              {Observation{FailingSince: old, Members: []Member{failing(time.Time{})}}, []bool{false}, old},
		"one of several":             {Observation{Members: []Member{failing(young), failing(old), failing(time.Time{})}}, []bool{false, true, false}, old},
		"the first of those that do": {Observation{Members: []Member{failing(old), failing(old.Add(-time.Hour))}}, []bool{true, true}, old.Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.observation.Confirmed(ReadGrace, noon)
			if stands := c.since.IsZero(); stands != (err == nil) || !stands && !errors.Is(err, ErrUnconfirmed) {
				t.Errorf("got %v", err)
			}
			if err != nil && !c.observation.FailingSince.Equal(c.since) {
				t.Errorf("failing since %s", c.observation.FailingSince)
			}
			for i, unread := range c.unread {
				if got := c.observation.Members[i].Unread; unread != errors.Is(got, ErrUnconfirmed) {
					t.Errorf("member %d: got %v", i, got)
				}
			}
		})
	}
}
