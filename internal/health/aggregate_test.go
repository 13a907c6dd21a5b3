package health

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func check(name string, state v1alpha1.State, message string) Member {
	return Member{Kind: "HealthCheck", Namespace: "shop", Name: name, State: state, Message: message}
}

func TestAnAggregateIsTheWorstOfItsMembersAndNamesTheCulprits(t *testing.T) {
	endpoints := Member{
		Kind: "Service", Namespace: "shop", Name: "web", State: v1alpha1.StateCritical,
		Reason: v1alpha1.ReasonNoReadyEndpoints, Message: "no endpoint is ready", Telling: true,
	}
	for name, c := range map[string]aggregated{
		"one that passes": {
			[]Member{check("a", v1alpha1.StatePassing, "fine")},
			v1alpha1.StatePassing, "AllPassing", "the only check is Passing", "",
		},
		"all that pass": {
			[]Member{check("a", v1alpha1.StatePassing, ""), check("b", v1alpha1.StatePassing, "")},
			v1alpha1.StatePassing, "AllPassing", "all 2 checks are Passing", "",
		},
		"a warning alone": {
			[]Member{check("a", v1alpha1.StatePassing, ""), check("b", v1alpha1.StateWarning, "slow")},
			v1alpha1.StateWarning, "WarningChecks", "1 of 2 checks is Warning: HealthCheck b (slow)", "b",
		},
		"Unknown is worse than Warning, and an empty state is Unknown": {
			[]Member{check("a", v1alpha1.StateWarning, "slow"), check("b", "", "")},
			v1alpha1.StateUnknown, "UnknownChecks",
			"1 of 2 checks is Unknown: HealthCheck b; 1 is Warning: HealthCheck a (slow)", "b",
		},
		"Critical is worse than Unknown": {
			[]Member{check("a", v1alpha1.StateUnknown, ""), check("b", v1alpha1.StateCritical, "down")},
			v1alpha1.StateCritical, "CriticalChecks",
			"1 of 2 checks is Critical: HealthCheck b (down); 1 is Unknown: HealthCheck a", "b",
		},
		"planned work hides no outage": {
			[]Member{check("a", v1alpha1.StateCritical, "down"), check("b", v1alpha1.StateMaintenance, "disk")},
			v1alpha1.StateCritical, "CriticalChecks",
			"1 of 2 checks is Critical: HealthCheck a (down); 1 is Maintenance: HealthCheck b (disk)", "a",
		},
		"planned work hides nothing that is not known, and is worse than Warning": {
			[]Member{
				check("a", v1alpha1.StateUnknown, ""), check("b", v1alpha1.StateMaintenance, "disk"),
				check("c", v1alpha1.StateWarning, "slow"),
			},
			v1alpha1.StateUnknown, "UnknownChecks",
			"1 of 3 checks is Unknown: HealthCheck a; 1 is Maintenance: HealthCheck b (disk); 1 is Warning: HealthCheck c (slow)", "a",
		},
		"two culprits are in the order of their names, and neither decided alone": {
			[]Member{
				check("web-tcp", v1alpha1.StateCritical, "dial: refused"), check("z", v1alpha1.StatePassing, ""),
				check("web-http", v1alpha1.StateCritical, "GET: 503"),
			},
			v1alpha1.StateCritical, "CriticalChecks",
			"2 of 3 checks are Critical: HealthCheck web-http (GET: 503), HealthCheck web-tcp (dial: refused)", "",
		},
		"three are named at most": {
			[]Member{
				check("e", v1alpha1.StateWarning, ""), check("d", v1alpha1.StateCritical, ""),
				check("c", v1alpha1.StateCritical, ""), check("b", v1alpha1.StateCritical, ""),
				check("a", v1alpha1.StateCritical, ""),
			},
			v1alpha1.StateCritical, "CriticalChecks",
			"4 of 5 checks are Critical: HealthCheck a, HealthCheck b, HealthCheck c and 1 more; 1 is Warning", "",
		},
		"the names are shared out among the states, and each counts those that it does not name": {
			[]Member{
				check("g", v1alpha1.StateUnknown, ""), check("f", v1alpha1.StateWarning, ""), check("e", v1alpha1.StateWarning, ""),
				check("d", v1alpha1.StateWarning, ""), check("c", v1alpha1.StatePassing, ""),
				check("b", v1alpha1.StateCritical, ""), check("a", v1alpha1.StateWarning, ""),
			},
			v1alpha1.StateCritical, "CriticalChecks",
			"1 of 7 checks is Critical: HealthCheck b; 1 is Unknown: HealthCheck g; 4 are Warning: HealthCheck a and 3 more", "b",
		},
		"endpoints come after the checks, and are counted where they are not named": {
			[]Member{
				endpoints, check("c", v1alpha1.StateCritical, ""), check("b", v1alpha1.StateCritical, ""),
				check("a", v1alpha1.StateCritical, ""), check("p", v1alpha1.StatePassing, ""),
			},
			v1alpha1.StateCritical, "CriticalChecks",
			"4 of 5 checks are Critical: HealthCheck a, HealthCheck b, HealthCheck c and 1 more", "",
		},
		"endpoints alone give their reason": {
			[]Member{endpoints, check("a", v1alpha1.StateWarning, "")},
			v1alpha1.StateCritical, "NoReadyEndpoints",
			"1 of 2 checks is Critical: Service web (no endpoint is ready); 1 is Warning: HealthCheck a", "web",
		},
		"endpoints beside a check do not": {
			[]Member{endpoints, check("a", v1alpha1.StateCritical, "down")},
			v1alpha1.StateCritical, "CriticalChecks",
			"2 of 2 checks are Critical: HealthCheck a (down), Service web (no endpoint is ready)", "",
		},
	} {
		t.Run(name, func(t *testing.T) { c.compare(t, nil) })
	}
}

// aggregated are some members and what they make.
type aggregated struct {
	members []Member
	state   v1alpha1.State
	reason  string
	message string
	culprit string
}

func (c aggregated) compare(t *testing.T, minReady *intstr.IntOrString) {
	t.Helper()
	v, culprit := Aggregate(c.members, minReady, "shop")
	if v.State != c.state || v.Reason != c.reason || v.Message != c.message {
		t.Errorf("got %s %s %q\nwant %s %s %q", v.State, v.Reason, v.Message, c.state, c.reason, c.message)
	}
	if got := nameOf(culprit); got != c.culprit {
		t.Errorf("the culprit is %q, want %q", got, c.culprit)
	}
}

func suspended(name string) Member {
	m := check(name, v1alpha1.StateUnknown, "suspended by spec.suspend: nothing is probed")
	m.Reason = v1alpha1.ReasonSuspended
	return m
}

func TestSuspendedMembersAreLeftOutAndCountedInWords(t *testing.T) {
	for name, c := range map[string]aggregated{
		"beside those that pass": {
			[]Member{
				check("a", v1alpha1.StatePassing, ""), check("b", v1alpha1.StatePassing, ""),
				check("c", v1alpha1.StatePassing, ""), suspended("d"),
			},
			v1alpha1.StatePassing, "AllPassing", "3 checks are Passing, 1 is suspended", "",
		},
		"beside one that passes": {
			[]Member{check("a", v1alpha1.StatePassing, ""), suspended("b"), suspended("c")},
			v1alpha1.StatePassing, "AllPassing", "1 check is Passing, 2 are suspended", "",
		},
		"beside one that does not": {
			[]Member{check("a", v1alpha1.StatePassing, ""), suspended("b"), check("c", v1alpha1.StateWarning, "slow")},
			v1alpha1.StateWarning, "WarningChecks", "1 of 2 checks is Warning: HealthCheck c (slow); 1 is suspended", "c",
		},
		"alone": {
			[]Member{suspended("a")},
			v1alpha1.StateUnknown, "Suspended", "the only check is suspended: HealthCheck a", "a",
		},
		"all of them": {
			[]Member{suspended("d"), suspended("c"), suspended("b"), suspended("a")},
			v1alpha1.StateUnknown, "Suspended",
			"all 4 checks are suspended: HealthCheck a, HealthCheck b, HealthCheck c and 1 more", "",
		},
		"but not a failure that only calls itself so": {
			[]Member{{Kind: "HealthCheck", Name: "a", Reason: "Suspended", State: v1alpha1.StateCritical}},
			v1alpha1.StateCritical, "CriticalChecks", "1 of 1 check is Critical: HealthCheck a", "a",
		},
	} {
		t.Run(name, func(t *testing.T) { c.compare(t, nil) })
	}
}

func TestAMemberThatIsAnAliasIsNamedByWhatIsAtItsEnd(t *testing.T) {
	rooted := func(name, message string, root *v1alpha1.Culprit) Member {
		return Member{
			Kind: "AliasCheck", Namespace: "shop", Name: name, State: v1alpha1.StateCritical, Message: message, Deeper: root,
		}
	}
	db := &v1alpha1.Culprit{Kind: "HealthCheck", Namespace: "shop", Name: "db"}
	far := &v1alpha1.Culprit{Kind: "HealthCheck", Namespace: "data", Name: "db"}
	for name, c := range map[string]aggregated{
		"one that mirrors": {
			[]Member{rooted("near", "dial: refused", db)},
			v1alpha1.StateCritical, "CriticalChecks", "1 of 1 check is Critical: HealthCheck db (dial: refused)", "db",
		},
		"one that combines, and says how many": {
			[]Member{rooted("team", "1 of 3 checks is Critical: HealthCheck db (dial (tcp): refused); 1 is Warning: HealthCheck a", db)},
			v1alpha1.StateCritical, "CriticalChecks", "1 of 1 check is Critical: HealthCheck db (dial (tcp): refused)", "db",
		},
		"one whose message was cut off": {
			[]Member{rooted("team", "1 of 3 checks is Critical: HealthCheck data/db (dial…", far)},
			v1alpha1.StateCritical, "CriticalChecks", "1 of 1 check is Critical: HealthCheck data/db (dial…)", "db",
		},
		"several behind which is the same": {
			[]Member{rooted("a", "refused", db), rooted("b", "refused", db), check("db", v1alpha1.StateCritical, "refused")},
			v1alpha1.StateCritical, "CriticalChecks", "3 of 3 checks are Critical: HealthCheck db (refused)", "db",
		},
		"one in which several are equally bad": {
			[]Member{rooted("team", "2 of 2 checks are Critical: HealthCheck a, HealthCheck b", nil), rooted("near", "refused", db)},
			v1alpha1.StateCritical, "CriticalChecks", "2 of 2 checks are Critical: HealthCheck db (refused), " +
				"AliasCheck team (2 of 2 checks are Critical: HealthCheck a, HealthCheck b)", "",
		},
	} {
		t.Run(name, func(t *testing.T) { c.compare(t, nil) })
	}
}

// Ready and Synced of one object are two members.
func TestSeveralConditionsOfOneObjectAreToldApart(t *testing.T) {
	widget := func(reason, message string) Member {
		return Member{
			APIVersion: "example.com/v1", Kind: "Widget", Namespace: "shop", Name: "x",
			State: v1alpha1.StateCritical, Reason: reason, Message: message,
		}
	}
	aggregated{
		[]Member{widget("Synced", "not synced"), widget("Ready", "not ready")},
		v1alpha1.StateCritical, "CriticalChecks",
		"2 of 2 checks are Critical: Widget x (not ready), Widget x (not synced)", "x",
	}.compare(t, nil)
}

func nameOf(culprit *v1alpha1.Culprit) string {
	if culprit == nil {
		return ""
	}
	return culprit.Name
}

func TestTheMessageOfAnAggregateDoesNotDependOnTheOrderOfItsMembers(t *testing.T) {
	members := []Member{
		check("a", v1alpha1.StateCritical, "x"), check("b", v1alpha1.StateWarning, "y"),
		check("c", v1alpha1.StateCritical, "z"), check("d", v1alpha1.StatePassing, ""),
	}
	want, _ := Aggregate(members, nil, "shop")
	for i := range members {
		rotated := append(append([]Member{}, members[i:]...), members[:i]...)
		if got, _ := Aggregate(rotated, nil, "shop"); got != want {
			t.Errorf("rotated by %d: %v, want %v", i, got, want)
		}
	}
}

func TestNamesOfAnotherNamespaceAreQualified(t *testing.T) {
	v, _ := Aggregate([]Member{check("a", v1alpha1.StateCritical, "")}, nil, "elsewhere")
	if want := "1 of 1 check is Critical: HealthCheck shop/a"; v.Message != want {
		t.Errorf("got %q, want %q", v.Message, want)
	}
}

func TestThreeLongCulpritsFitInAMessage(t *testing.T) {
	long := strings.Repeat("x", 4000)
	var members []Member
	for _, name := range []string{"a", "b", "c", "d"} {
		members = append(members, check(name, v1alpha1.StateCritical, long))
	}
	v, _ := Aggregate(members, nil, "shop")
	if len(v.Message) > v1alpha1.MaxMessageBytes || !strings.HasSuffix(v.Message, "and 1 more") {
		t.Errorf("%d bytes: %s", len(v.Message), v.Message)
	}
}

// The longest names that objects have leave no room for three of them.
func TestWhatIsNotNamedIsCountedHoweverLongTheNames(t *testing.T) {
	for length, want := range map[int]string{20: "c", 200: "c", 253: "b"} {
		var members []Member
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			m := check(name+strings.Repeat("x", length-1), v1alpha1.StateCritical, strings.Repeat("ä", 500))
			m.Namespace = strings.Repeat("n", 63)
			members = append(members, m)
		}
		members = append(members, check("w", v1alpha1.StateWarning, "slow"))
		v, _ := Aggregate(members, nil, "shop")
		named := strings.Count(v.Message, "HealthCheck "+members[0].Namespace)
		more := fmt.Sprintf(" and %d more; 1 is Warning", 5-named)
		last := strings.LastIndex(v.Message, members[0].Namespace+"/")
		if len(v.Message) > v1alpha1.MaxMessageBytes || !strings.Contains(v.Message, more) ||
			!strings.HasPrefix(v.Message[last:], members[0].Namespace+"/"+want) {
			t.Errorf("names of %d bytes: %d bytes, %d named: %s", length, len(v.Message), named, v.Message)
		}
	}
}
