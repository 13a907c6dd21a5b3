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

func TestAPodIsGatedOnItsFirst64Aliases(t *testing.T) {
	for _, row := range []struct {
		gates, want int
		tooMany     bool
	}{{16, 16, false}, {64, 64, false}, {65, 64, true}, {30_000, 64, true}} {
		pod := podWith(manyGates(row.gates)...)
		for name, it := range map[string]*corev1.Pod{"the pod": pod, "what is cached of it": gate.Strip(pod)} {
			names := gate.Aliases(it)
			if len(names) != row.want || names[row.want-1] != fmt.Sprintf("alias-%d", row.want-1) {
				t.Errorf("%d gates: %s names %d aliases, want the first %d", row.gates, name, len(names), row.want)
			}
			if got := gate.TooMany(it); got != row.tooMany {
				t.Errorf("%d gates: too many in %s: %t, want %t", row.gates, name, got, row.tooMany)
			}
		}
	}
}

func TestOneGateGivenTenThousandTimesIsOneAlias(t *testing.T) {
	pod := podWith(slices.Repeat([]string{"health.aliascheck.dev/db"}, 10_000)...)
	if names := gate.Aliases(pod); len(names) != 1 || gate.TooMany(pod) {
		t.Errorf("the aliases are %q, too many: %t", names, gate.TooMany(pod))
	}
}

func manyGates(count int) []string {
	gates := make([]string, 0, count)
	for i := range count {
		gates = append(gates, fmt.Sprintf("health.aliascheck.dev/alias-%d", i))
	}
	return gates
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
