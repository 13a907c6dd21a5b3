package health

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestMinReadyDrawsTheLine(t *testing.T) {
	states := map[rune]v1alpha1.State{
		'p': v1alpha1.StatePassing, 'w': v1alpha1.StateWarning, 'm': v1alpha1.StateMaintenance,
		'u': v1alpha1.StateUnknown, 'c': v1alpha1.StateCritical,
	}
	for _, c := range []struct {
		minReady string
		states   string // of checks a, b, c …; s is a suspended one
		state    rune
		reason   string
		message  string
		culprit  string
	}{
		{"2", "pp", 'p', "AllPassing", "all 2 checks are Passing", ""},
		{"2", "ppc", 'w', "PartlyReady", "2 of 3 checks are Ready (minReady 2); 1 is Critical: HealthCheck c", "c"},
		{"2", "pwc", 'w', "PartlyReady",
			"2 of 3 checks are Ready (minReady 2); 1 is Critical: HealthCheck c; 1 is Warning: HealthCheck b", "c"},
		{"2", "pww", 'w', "PartlyReady", "3 of 3 checks are Ready (minReady 2); 2 are Warning: HealthCheck b, HealthCheck c", ""},
		{"2", "pcm", 'c', "CriticalChecks",
			"1 of 3 checks is Ready (minReady 2); 1 is Critical: HealthCheck b; 1 is Maintenance: HealthCheck c", "b"},
		{"2", "pmm", 'm', "MaintenanceChecks",
			"1 of 3 checks is Ready (minReady 2); 2 are Maintenance: HealthCheck b, HealthCheck c", ""},
		{"2", "pmu", 'u', "UnknownChecks",
			"1 of 3 checks is Ready (minReady 2); 1 is Unknown: HealthCheck c; 1 is Maintenance: HealthCheck b", "c"},
		{"3", "pp", 'c', "TooFewChecks", "2 checks count, and minReady is 3", ""},
		{"2", "m", 'c', "TooFewChecks", "1 check counts, and minReady is 2; 1 is Maintenance: HealthCheck a", ""},
		{"50%", "pcc", 'c', "CriticalChecks",
			"1 of 3 checks is Ready (minReady 50%); 2 are Critical: HealthCheck b, HealthCheck c", ""},
		{"50%", "ppc", 'w', "PartlyReady", "2 of 3 checks are Ready (minReady 50%); 1 is Critical: HealthCheck c", "c"},
		{"1%", "pcc", 'w', "PartlyReady", "1 of 3 checks is Ready (minReady 1%); 2 are Critical: HealthCheck b, HealthCheck c", ""},
		{"100%", "pw", 'w', "PartlyReady", "2 of 2 checks are Ready (minReady 100%); 1 is Warning: HealthCheck b", "b"},
		{"100%", "pc", 'c', "CriticalChecks", "1 of 2 checks is Ready (minReady 100%); 1 is Critical: HealthCheck b", "b"},
		{"2", "pps", 'p', "AllPassing", "2 checks are Passing, 1 is suspended", ""},
		{"50%", "pcss", 'w', "PartlyReady",
			"1 of 2 checks is Ready (minReady 50%); 1 is Critical: HealthCheck b; 2 are suspended", "b"},
		{"2", "ps", 'c', "TooFewChecks", "1 check counts, and minReady is 2; 1 is suspended", ""},
		{"2", "ss", 'u', "Suspended", "all 2 checks are suspended: HealthCheck a, HealthCheck b", ""},
	} {
		t.Run(c.minReady+" of "+c.states, func(t *testing.T) {
			want := aggregated{state: states[c.state], reason: c.reason, message: c.message, culprit: c.culprit}
			for i, drawn := range c.states {
				m := check(string(rune('a'+i)), states[drawn], "")
				if drawn == 's' {
					m = suspended(m.Name)
				}
				want.members = append(want.members, m)
			}
			minReady := intstr.Parse(c.minReady)
			want.compare(t, &minReady)
		})
	}
}

// Readiness that minReady makes is not that of any one member: it began when it was first shown.
func TestAStateThatMinReadyMadeBeganWhenItWasShown(t *testing.T) {
	minReady := intstr.FromInt32(1)
	a := alias(func(a *v1alpha1.AliasCheck) { a.Spec.MinReady = &minReady })
	members := []Member{check("a", v1alpha1.StatePassing, ""), check("b", v1alpha1.StateCritical, "")}
	members[0].Since, members[1].Since = noon.Add(-3600e9), noon.Add(-60e9)
	status := ApplyObservation(a, Observation{Combined: true, Members: members}, noon)
	if status.State != v1alpha1.StateWarning || !status.LastTransitionTime.Time.Equal(noon) {
		t.Errorf("%s since %s", status.State, status.LastTransitionTime)
	}
}
