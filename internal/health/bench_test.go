package health

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Compare two commits: go test -run '^$' -bench . -count 10 ./internal/health > old.txt, the same for
// new.txt, and benchstat old.txt new.txt.

func BenchmarkTheNextDueTime(b *testing.B) {
	uid := types.UID("9f7a7b0e-3a53-4d6b-8b0c-0b3d6f9c7b11")
	b.ReportAllocs()
	for b.Loop() {
		ScheduleFor(uid, 10*time.Second).After(noon)
	}
}

func BenchmarkTheNextStanding(b *testing.B) {
	thresholds := Thresholds{Success: 2, Warning: 1, Failure: 3}
	standing := Standing{State: v1alpha1.StatePassing, Successes: 2}
	b.ReportAllocs()
	for b.Loop() {
		standing, _ = thresholds.Next(standing, Failed)
	}
}

func BenchmarkAVerdictThatChangesNothing(b *testing.B) {
	verdict := Verdict{State: v1alpha1.StatePassing, Reason: v1alpha1.ReasonProbeSucceeded, Message: "GET http://web:8080/healthz: 200 OK"}
	status := verdict.ApplyTo(v1alpha1.CheckStatus{}, 1, noon)
	b.ReportAllocs()
	for b.Loop() {
		status = verdict.ApplyTo(status, 1, noon)
	}
}

func BenchmarkAnAliasOfOneCheck(b *testing.B) {
	alias := &v1alpha1.AliasCheck{}
	observation := Observation{Target: "HealthCheck/web", Members: members(1)}
	b.ReportAllocs()
	for b.Loop() {
		ApplyObservation(alias, observation, noon)
	}
}

func BenchmarkAnAggregate(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			all := members(n)
			b.ReportAllocs()
			for b.Loop() {
				Aggregate(all, nil, "shop")
			}
		})
	}
}

// members are checks, one in ten of them Critical.
func members(n int) []Member {
	all := make([]Member, 0, n)
	for i := range n {
		member := Member{
			Kind: "HealthCheck", Namespace: "shop", Name: fmt.Sprintf("check-%04d", (i*7919)%n),
			State: v1alpha1.StatePassing, Reason: v1alpha1.ReasonProbeSucceeded,
			Message: "GET http://web.shop:8080/healthz: 200 OK", Since: noon,
		}
		if i%10 == 0 {
			member.State, member.Message = v1alpha1.StateCritical, "GET http://web.shop:8080/healthz: 503 Service Unavailable"
		}
		all = append(all, member)
	}
	return all
}
