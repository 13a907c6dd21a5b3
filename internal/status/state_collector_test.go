package status

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/shard"
)

func cacheOf(t *testing.T, objects ...client.Object) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

func TestEachCheckHasItsStateAndWhetherItIsUnknownOnPurpose(t *testing.T) {
	began := metav1.Time{Time: time.Unix(1_000_000_000, 0)}
	passing := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	passing.Status.CheckStatus = v1alpha1.CheckStatus{
		State: v1alpha1.StatePassing, Reason: v1alpha1.ReasonProbeSucceeded, LastTransitionTime: &began,
	}
	suspended := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "off"}}
	suspended.Status.CheckStatus = v1alpha1.CheckStatus{State: v1alpha1.StateUnknown, Reason: v1alpha1.ReasonSuspended}
	mirror := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "of-off"}}
	mirror.Status.CheckStatus = suspended.Status.CheckStatus
	fresh := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "fresh"}}

	cache := cacheOf(t, passing, suspended, mirror, fresh)
	want := `
# HELP aliascheck_last_transition_timestamp_seconds When the state of a check changed last, in seconds since the epoch.
# TYPE aliascheck_last_transition_timestamp_seconds gauge
aliascheck_last_transition_timestamp_seconds{kind="HealthCheck",name="web",namespace="shop"} 1e+09
# HELP aliascheck_ready 1 for a check that is Passing or Warning, otherwise 0.
# TYPE aliascheck_ready gauge
aliascheck_ready{kind="AliasCheck",name="fresh",namespace="shop"} 0
aliascheck_ready{kind="AliasCheck",name="of-off",namespace="shop"} 0
aliascheck_ready{kind="HealthCheck",name="off",namespace="shop"} 0
aliascheck_ready{kind="HealthCheck",name="web",namespace="shop"} 1
# HELP aliascheck_state 1 for the state that a check has now; there is no series for the others.
# TYPE aliascheck_state gauge
aliascheck_state{kind="AliasCheck",name="fresh",namespace="shop",state="Unknown"} 1
aliascheck_state{kind="AliasCheck",name="of-off",namespace="shop",state="Unknown"} 1
aliascheck_state{kind="HealthCheck",name="off",namespace="shop",state="Unknown"} 1
aliascheck_state{kind="HealthCheck",name="web",namespace="shop",state="Passing"} 1
# HELP aliascheck_suspended 1 for a check that is Unknown on purpose: it is suspended, or mirrors one that is.
# TYPE aliascheck_suspended gauge
aliascheck_suspended{kind="AliasCheck",name="of-off",namespace="shop"} 1
aliascheck_suspended{kind="HealthCheck",name="off",namespace="shop"} 1
`
	if err := testutil.CollectAndCompare(NewStateCollector(cache, "", nil), strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestAShardHasTheSeriesOfItsOwnChecksAndCountsThoseOfEach(t *testing.T) {
	in := func(name, of string) *v1alpha1.HealthCheck {
		check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		if of != "" {
			check.Labels = map[string]string{v1alpha1.LabelShard: of}
		}
		return check
	}
	cache := cacheOf(t, in("none", ""), in("web", "a"), in("db", "a"), in("queue", "b"))
	counts := `
# HELP aliascheck_shard_checks How many checks belong to a shard, whether it has a manager or not. There is no series for those without a shard.
# TYPE aliascheck_shard_checks gauge
aliascheck_shard_checks{shard="a"} 2
aliascheck_shard_checks{shard="b"} 1
`
	ready := `
# HELP aliascheck_ready 1 for a check that is Passing or Warning, otherwise 0.
# TYPE aliascheck_ready gauge
`
	for of, own := range map[shard.Shard]string{
		"":  `aliascheck_ready{kind="HealthCheck",name="none",namespace="shop"} 0` + "\n",
		"b": `aliascheck_ready{kind="HealthCheck",name="queue",namespace="shop"} 0` + "\n",
	} {
		err := testutil.CollectAndCompare(NewStateCollector(cache, of, nil), strings.NewReader(ready+own+counts),
			"aliascheck_ready", "aliascheck_shard_checks")
		if err != nil {
			t.Errorf("shard %q: %v", of, err)
		}
	}
}
