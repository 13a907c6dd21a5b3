package probe_test

import (
	"context"
	"errors"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// leases answers with one Lease, or an error.
type leases struct {
	lease *coordinationv1.Lease
	err   error
}

func (l leases) Lease(_ context.Context, namespace, name string) (*coordinationv1.Lease, error) {
	if namespace != "shop" || name != "worker" {
		return nil, errors.New("another Lease was read")
	}
	return l.lease, l.err
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// renewed is a Lease renewed so long before noon, whose annotations say this.
func renewed(ago time.Duration, state, message string) leases {
	lease := &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{RenewTime: &metav1.MicroTime{Time: noon.Add(-ago)}}}
	lease.Annotations = map[string]string{v1alpha1.AnnotationState: state, v1alpha1.AnnotationMessage: message}
	return leases{lease: lease}
}

func TestHeartbeat(t *testing.T) {
	resource := schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}
	for _, row := range []struct {
		name    string
		leases  probe.Leases
		outcome health.Outcome
		what    string
	}{
		{"fresh", renewed(time.Second, "", ""), health.Passed, "renewed"},
		{"as old as it may be", renewed(30*time.Second, "", ""), health.Passed, "renewed"},
		{"older", renewed(30*time.Second+1, "", ""), health.Failed, "not renewed for more than 30s"},
		{"long ago", renewed(1e6*time.Hour, "", ""), health.Failed, "not renewed for more than 30s"},
		{"in the future", renewed(-time.Hour, "", ""), health.Passed, "renewed"},
		{"says Passing", renewed(0, "Passing", "42 items"), health.Passed, "42 items"},
		{"says Warning", renewed(0, "Warning", "queue is long"), health.Warned, "queue is long"},
		{"says Critical", renewed(0, "Critical", "disk is full"), health.Failed, "disk is full"},
		{"says a message only", renewed(0, "", " all well\n"), health.Passed, "all well"},
		{"says Critical, and expired", renewed(time.Hour, "Critical", "disk is full"), health.Failed,
			"not renewed for more than 30s"},
		{"says Passing, and expired", renewed(time.Hour, "Passing", "fine"), health.Failed, "not renewed for more than 30s"},
		{"says no state", renewed(0, "green", "fine"), health.Failed, `annotation health.aliascheck.dev/state is "green", ` +
			"which is no state that a holder may report: write Passing, Warning or Critical"},
		{"says it in lower case", renewed(0, "critical", ""), health.Failed,
			`annotation health.aliascheck.dev/state is "critical", ` +
				"which is no state that a holder may report: write Passing, Warning or Critical"},
		{"never renewed", leases{lease: &coordinationv1.Lease{}}, health.Failed,
			"the Lease was never renewed: set spec.renewTime"},
		{"absent", leases{err: apierrors.NewNotFound(resource, "worker")}, health.Failed, "the Lease does not exist"},
		{"forbidden", leases{err: apierrors.NewForbidden(resource, "worker", nil)}, health.Failed,
			"the manager may not read Leases in this namespace"},
		{"without a reader", nil, health.Failed, "this manager reads no Leases"},
	} {
		t.Run(row.name, func(t *testing.T) {
			options := probe.Options{Leases: row.leases, Clock: clocktesting.NewFakePassiveClock(noon)}
			check := checkOf(v1alpha1.HealthCheckSpec{Heartbeat: &v1alpha1.HeartbeatProbe{LeaseName: "worker"}})
			got := probed(t, options, check)
			if got.Outcome != row.outcome || got.Message != "heartbeat worker: "+row.what {
				t.Errorf("%v %q, want %v %q", got.Outcome, got.Message, row.outcome, row.what)
			}
		})
	}
}

func TestHeartbeatHoldsForTheTTLOfTheSpec(t *testing.T) {
	options := probe.Options{Leases: renewed(time.Minute, "", ""), Clock: clocktesting.NewFakePassiveClock(noon)}
	spec := &v1alpha1.HeartbeatProbe{LeaseName: "worker", TTL: &metav1.Duration{Duration: time.Hour}}
	expectPass(t, probed(t, options, checkOf(v1alpha1.HealthCheckSpec{Heartbeat: spec})), "heartbeat worker: renewed")
}

// worker is a Lease whose holder has a clock of its own.
type worker struct {
	t      *testing.T
	prober *probe.Probes
	clock  *clocktesting.FakePassiveClock
	lease  *coordinationv1.Lease
}

func newWorker(t *testing.T) *worker {
	t.Helper()
	w := &worker{t: t, clock: clocktesting.NewFakePassiveClock(noon), lease: &coordinationv1.Lease{}}
	w.prober = probe.New(probe.Options{Leases: leases{lease: w.lease}, Clock: w.clock})
	return w
}

// renews as a holder whose clock is ahead by so much, or behind.
func (w *worker) renews(ahead time.Duration) {
	w.lease.Spec.RenewTime = &metav1.MicroTime{Time: w.clock.Now().Add(ahead)}
}

func (w *worker) passes(time time.Duration) { w.clock.SetTime(w.clock.Now().Add(time)) }

func (w *worker) expectAfter(passed time.Duration, outcome health.Outcome) {
	w.t.Helper()
	w.passes(passed)
	check := checkOf(v1alpha1.HealthCheckSpec{Heartbeat: &v1alpha1.HeartbeatProbe{LeaseName: "worker"}})
	if got := w.prober.Probe(w.t.Context(), check); got.Outcome != outcome {
		w.t.Errorf("at %s the result is %v %q, want %v", w.clock.Now().Format(time.TimeOnly), got.Outcome, got.Message, outcome)
	}
}

func TestARenewalInTheFutureCountsFromWhenItWasFirstSeen(t *testing.T) {
	w := newWorker(t)
	w.renews(time.Hour)
	w.expectAfter(0, health.Passed)
	w.expectAfter(30*time.Second, health.Passed)
	w.expectAfter(time.Second, health.Failed)
	w.expectAfter(time.Hour-31*time.Second, health.Failed) // the hour that the holder wrote
	w.renews(time.Hour)
	w.expectAfter(0, health.Passed)
}

func TestAHolderWhoseClockIsBehindLivesWhileItRenews(t *testing.T) {
	w := newWorker(t)
	w.renews(-time.Hour)
	w.expectAfter(0, health.Failed) // nobody has seen it change
	for range 3 {
		w.passes(10 * time.Second)
		w.renews(-time.Hour)
		w.expectAfter(0, health.Passed)
	}
	w.expectAfter(30*time.Second, health.Passed)
	w.expectAfter(time.Second, health.Failed)
}

func TestALeaseThatChangedAtAnUnknownTimeIsAsOldAsItSays(t *testing.T) {
	w := newWorker(t)
	w.renews(0)
	w.expectAfter(0, health.Passed)
	w.passes(time.Minute)
	w.renews(0) // and then dies
	w.expectAfter(time.Hour, health.Failed)
}

func TestALeaseThatWasCreatedAnewIsNotOneThatWasRenewed(t *testing.T) {
	w := newWorker(t)
	w.renews(-2 * time.Hour)
	w.expectAfter(0, health.Failed)
	w.lease.UID = "another"
	w.renews(-time.Hour)
	w.expectAfter(time.Second, health.Failed)
}
