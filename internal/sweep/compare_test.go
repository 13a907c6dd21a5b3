package sweep

import (
	"maps"
	"slices"
	"testing"
)

func TestACacheIsBehindALiveList(t *testing.T) {
	live := listing{resourceVersion: "100", objects: map[string]version{"ns/live": {"uid", "50"}}}
	for name, test := range map[string]struct {
		cached map[string]version
		want   []string
	}{
		"equal":                                        {map[string]version{"ns/live": {"uid", "50"}}, nil},
		"an older version":                             {map[string]version{"ns/live": {"uid", "9"}}, []string{"ns/live"}},
		"a newer version":                              {map[string]version{"ns/live": {"uid", "101"}}, nil},
		"a version of a history that is no more":       {map[string]version{"ns/live": {"uid", "70"}}, []string{"ns/live"}},
		"an object before its recreation":              {map[string]version{"ns/live": {"old", "49"}}, []string{"ns/live"}},
		"an object after its recreation":               {map[string]version{"ns/live": {"new", "101"}}, nil},
		"an object that it lacks":                      {map[string]version{}, []string{"ns/live"}},
		"an object that was deleted before the list":   {withLive("ns/gone", "100"), []string{"ns/gone"}},
		"an object that was created after the list":    {withLive("ns/new", "101"), nil},
		"a version that is no number":                  {map[string]version{"ns/live": {"uid", "x"}}, []string{"ns/live"}},
		"an unknown object whose version is no number": {withLive("ns/odd", "x"), []string{"ns/odd"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := live.missedBy(test.cached).names(); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func withLive(name, resourceVersion string) map[string]version {
	cached := map[string]version{"ns/live": {"uid", "50"}}
	maps.Copy(cached, map[string]version{name: {"uid", resourceVersion}})
	return cached
}

func TestHistoryWentBackIfTheCacheWasAheadOfALaterList(t *testing.T) {
	for newest, want := range map[string]bool{"": false, "99": false, "100": false, "101": true, "x": false} {
		if got := (listing{resourceVersion: "100"}).rewound(newest); got != want {
			t.Errorf("rewound(%q) = %v, want %v", newest, got, want)
		}
	}
}

// What is ahead of a list that is younger than it was never written, as far as the API server knows.
func TestAfterHistoryWentBackAllThatDiffersIsWrong(t *testing.T) {
	live := listing{resourceVersion: "100", objects: map[string]version{
		"same": {"uid", "50"}, "older": {"uid", "60"}, "back": {"uid", "70"},
	}}
	cached := map[string]version{"same": {"uid", "50"}, "older": {"uid", "120"}, "phantom": {"uid", "121"}}
	if got, want := live.unlike(cached).names(), []string{"back", "older", "phantom"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAGapThatTheCacheHasTouchedIsNoLoss(t *testing.T) {
	found := gaps{
		"same":    {cached: version{"uid", "1"}, live: version{"uid", "2"}},
		"updated": {cached: version{"uid", "1"}, live: version{"uid", "2"}},
		"created": {live: version{"uid", "2"}},
	}
	now := map[string]version{"same": {"uid", "1"}, "updated": {"uid", "2"}, "created": {"uid", "2"}}
	left := found.untouched(func(name string) version { return now[name] })
	if want := []string{"same"}; !slices.Equal(left.names(), want) {
		t.Errorf("got %v, want %v", left.names(), want)
	}
}

func TestALossIsAGapThatTwoLooksHaveFound(t *testing.T) {
	first := gaps{
		"stale":          {cached: version{"uid", "1"}, live: version{"uid", "2"}},
		"stale, changed": {cached: version{"uid", "1"}, live: version{"uid", "2"}},
		"touched":        {cached: version{"uid", "1"}, live: version{"uid", "2"}},
		"lacking":        {live: version{"uid", "2"}},
		"recreated":      {live: version{"uid", "2"}},
		"healed":         {live: version{"uid", "2"}},
	}
	second := gaps{
		"stale":          {cached: version{"uid", "1"}, live: version{"uid", "2"}},
		"stale, changed": {cached: version{"uid", "1"}, live: version{"uid", "3"}},
		"touched":        {cached: version{"uid", "2"}, live: version{"uid", "3"}},
		"lacking":        {live: version{"uid", "2"}},
		"recreated":      {live: version{"another", "3"}},
		"new":            {live: version{"uid", "4"}},
	}
	want := []string{"lacking", "stale", "stale, changed"}
	if got := first.confirmedBy(second).names(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
