package main

import (
	"testing"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const (
	passing  = v1alpha1.StatePassing
	critical = v1alpha1.StateCritical
)

// seen lets the followers observe web, and shop which mirrors it, going through these states. Each change of
// web is one second after the last, and shop follows 10 ms later.
func seen(f *followers, states ...v1alpha1.State) []followed {
	at := time.Unix(0, 0)
	var result []followed
	for _, state := range states {
		at = at.Add(time.Second)
		web := check{name: "HealthCheck/web", state: state}
		shop := check{name: "AliasCheck/shop", state: state, follows: "HealthCheck/web"}
		result = append(result, f.observe(change{check: web, at: at})...)
		result = append(result, f.observe(change{check: shop, at: at.Add(10 * time.Millisecond)})...)
	}
	return result
}

func TestAnAliasIsTimedFromItsHealthChecksChange(t *testing.T) {
	got := seen(newFollowers(), passing, critical)
	want := followed{alias: "AliasCheck/shop", root: "HealthCheck/web", state: critical, after: 10 * time.Millisecond}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheVerdictNeedsBothWays(t *testing.T) {
	for _, c := range []struct {
		name   string
		states []v1alpha1.State
		good   bool
	}{
		{"nothing happened", []v1alpha1.State{passing}, false},
		{"it only became Passing", []v1alpha1.State{v1alpha1.StateUnknown, passing}, false},
		{"it never came back", []v1alpha1.State{v1alpha1.StateUnknown, passing, critical}, false},
		{"it left and came back", []v1alpha1.State{passing, critical, passing}, true},
	} {
		f := newFollowers()
		seen(f, c.states...)
		if err := f.verdict("HealthCheck/web"); (err == nil) != c.good {
			t.Errorf("%s: the verdict is %v", c.name, err)
		}
	}
}

func TestWithoutAnAliasThereIsNoGoodVerdict(t *testing.T) {
	f := newFollowers()
	f.observe(change{check: check{name: "HealthCheck/web", state: passing}})
	if f.verdict("HealthCheck/web") == nil {
		t.Error("nothing followed, and the verdict is good")
	}
}
