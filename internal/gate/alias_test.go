package gate_test

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/aliascheck/aliascheck/internal/gate"
)

func TestTheAliasesOfAPodAreThoseThatItsGatesName(t *testing.T) {
	for _, row := range []struct {
		rule  string
		gates []string
		want  []string
	}{
		{"no gates, no aliases", nil, nil},
		{"a gate names an alias", []string{"health.aliascheck.dev/db"}, []string{"db"}},
		{"the order is that of the pod", []string{"health.aliascheck.dev/b", "health.aliascheck.dev/a"}, []string{"b", "a"}},
		{"a gate given twice counts once", []string{"health.aliascheck.dev/db", "health.aliascheck.dev/db"}, []string{"db"}},
		{"the gates of others are not ours", []string{"example.com/db", "www.example.com/feature-1", "Ready"}, nil},
		{"a longer prefix is another's", []string{"x.health.aliascheck.dev/db", "health.aliascheck.dev.x/db"}, nil},
		{"what can name no alias is kept as it is", []string{"health.aliascheck.dev/No_Name"}, []string{"No_Name"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			if got := gate.Aliases(podWith(row.gates...)); !slices.Equal(got, row.want) {
				t.Errorf("the aliases are %q, want %q", got, row.want)
			}
		})
	}
}

func TestSixteenGatesAreSixteenAliases(t *testing.T) {
	var gates []string
	for i := range 16 {
		gates = append(gates, fmt.Sprintf("health.aliascheck.dev/alias-%d", i))
	}
	if got := gate.Aliases(podWith(gates...)); len(got) != 16 {
		t.Errorf("%d aliases, want 16: %q", len(got), got)
	}
}

func TestAPodHasFinishedWhenItsContainersHaveEndedForGood(t *testing.T) {
	for phase, want := range map[corev1.PodPhase]bool{
		"":                  false,
		corev1.PodPending:   false,
		corev1.PodRunning:   false,
		corev1.PodUnknown:   false,
		corev1.PodSucceeded: true,
		corev1.PodFailed:    true,
	} {
		if got := gate.Finished(&corev1.Pod{Status: corev1.PodStatus{Phase: phase}}); got != want {
			t.Errorf("finished in phase %q: %t, want %t", phase, got, want)
		}
	}
}

// podWith is a pod of namespace shop with these gates and no conditions.
func podWith(gates ...string) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name = "shop", "web-1"
	for _, conditionType := range gates {
		pod.Spec.ReadinessGates = append(pod.Spec.ReadinessGates,
			corev1.PodReadinessGate{ConditionType: corev1.PodConditionType(conditionType)})
	}
	return pod
}
