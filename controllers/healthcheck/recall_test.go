package healthcheck

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/status"
)

func TestAJobIsCountedOnceThoughTheNextCouldNotBeBegun(t *testing.T) {
	s := newScene(t)
	s.prober.probes(failedJob("a"), unreadJob(""), failedJob("b"))
	s.reconcileWhenDue()
	s.expectFailures(1)

	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("a")}
	s.reconcileWhenDue()
	s.expectFailures(1)
	s.reconcile() // the retry
	s.prober.expectBegun(3)
	s.expectFailures(2)
}

func TestAJobWhosePodsCouldNotBeReadAtItsEndIsJudgedWhenTheyCan(t *testing.T) {
	s := newScene(t)
	s.prober.probes(failedJob("a"), unreadJob("b"))
	s.reconcileWhenDue()
	s.reconcileWhenDue()
	s.expectFailures(1)

	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("b")}
	s.reconcile()
	s.prober.expectBegun(2)
	s.expectFailures(2)
}

// The Job was created, and nothing was heard of that.
func TestTheFirstJobOfAProcessIsJudgedThoughItsBeginWasNotAnswered(t *testing.T) {
	s := newScene(t)
	s.prober.probes(unreadJob(""))
	s.reconcileWhenDue()
	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("a")}
	s.reconcile()
	s.prober.expectBegun(1)
	s.expectFailures(1)
}

// A probe that is broken off, here because its manager stands still, leaves a Job which may end before the next look.
func TestAJobThatOutlastsItsProbeIsJudged(t *testing.T) {
	s := newScene(t)
	s.prober.probes(failedJob("a"), unreadJob("b"))
	s.reconcileWhenDue()
	s.prober.meanwhile = func(context.Context) { s.clock.SetTime(s.clock.Now().Add(2 * status.MaxObservationAge)) }
	s.reconcileWhenDue()
	s.Writer.Standstill.Beat()
	s.expectFailures(1)

	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("b")}
	s.reconcile()
	s.prober.expectBegun(2)
	s.expectFailures(2)
}

func TestAJobThatAnEarlierManagerLeftIsThoughtToBeCountedAndTheNextAwaited(t *testing.T) {
	s := newScene(t)
	s.prober.probes(failedJob("b"))
	s.remembered().lost = true
	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("a")}
	result := s.reconcile()
	s.prober.expectBegun(0)
	s.expectFailures(0)
	if want := s.interval + time.Second; result.RequeueAfter != want {
		t.Errorf("it is looked at again after %s, want %s", result.RequeueAfter, want)
	}
	s.reconcileWhenDue()
	s.prober.expectBegun(1)
	s.expectFailures(1)
}

// Began is of the API server's clock, and all else of this process's.
func TestAJobThatBeganInTheFutureDelaysTheNextByOneInterval(t *testing.T) {
	for name, shown := range map[string]v1alpha1.CheckStatus{
		"it is thought to be counted": {ObservedGeneration: 1, State: v1alpha1.StatePassing},
		"it is judged":                {},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			check := s.shown()
			check.Status.CheckStatus = shown
			if err := s.api.Status().Update(t.Context(), check); err != nil {
				t.Fatal(err)
			}
			s.prober.probes(failedJob("b"))
			s.prober.past = probe.Past{Began: s.clock.Now().Add(time.Hour), Result: failedJob("a")}
			s.reconcileWhenDue()
			now := s.clock.Now()
			s.reconcileWhenDue()
			s.prober.expectBegun(1)
			if waited := s.clock.Now().Sub(now); waited > s.interval+time.Second {
				t.Errorf("the next Job began after %s", waited)
			}
		})
	}
}

func TestAfterAMaintenanceOnlyAJobSinceThenIsJudged(t *testing.T) {
	s := newScene(t)
	s.prober.probes(unreadJob("a"), unreadJob("b"))
	s.reconcileWhenDue()
	s.maintain("disk swap")
	s.reconcile()
	s.maintain("")
	s.prober.past = probe.Past{Began: s.clock.Now(), Result: failedJob("a")}
	s.reconcile()
	s.prober.expectBegun(2)
	s.expectState(v1alpha1.StateMaintenance)

	s.prober.past.Result = failedJob("b")
	s.reconcile()
	s.prober.expectBegun(2)
	s.expectState(v1alpha1.StateCritical)
}

// scene is a check by Job that passes, in a process that has just started, without a cluster. The test says what time it
// is and what each probe sees.
type scene struct {
	*Reconciler
	t        *testing.T
	clock    *testingclock.FakePassiveClock
	api      client.WithWatch
	prober   *scripted
	key      client.ObjectKey
	interval time.Duration
}

func newScene(t *testing.T) *scene {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "smoke"}}
	check.UID, check.Generation = "0c5d8a52-3a44-4d5e-8f0e-6c1d5be0a001", 1
	check.Spec.Job = &v1alpha1.JobProbe{CronJobRef: v1alpha1.CronJobReference{Name: "smoke"}}
	every(10 * time.Second)(check)
	check.Spec.FailureThreshold = 3
	check.Status.ObservedGeneration, check.Status.State = 1, v1alpha1.StatePassing
	s := &scene{t: t, prober: &scripted{t: t}, key: client.ObjectKeyFromObject(check), interval: check.Spec.ProbeInterval(),
		clock: testingclock.NewFakePassiveClock(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)),
		api:   fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(check).WithObjects(check).Build()}
	standstill := &status.Standstill{Clock: s.clock}
	s.Reconciler = &Reconciler{
		Client: s.api, Live: s.api, Prober: s.prober, Clock: s.clock, Resync: time.Minute,
		Writer: &status.Writer{Client: s.api, Recorder: &events.FakeRecorder{}, Clock: s.clock, Standstill: standstill},
		memory: newProbeMemory(), probes: newInflight(), slots: slotsOf(4),
	}
	return s
}

func (s *scene) shown() *v1alpha1.HealthCheck {
	s.t.Helper()
	check := &v1alpha1.HealthCheck{}
	if err := s.api.Get(s.t.Context(), s.key, check); err != nil {
		s.t.Fatal(err)
	}
	return check
}

func (s *scene) remembered() *remembered { return s.memory.of(s.shown(), s.clock.Now()) }

// reconcile looks once, now. That the API server did not answer in time is no error here, for it is asked again.
func (s *scene) reconcile() reconcile.Result {
	s.t.Helper()
	result, err := s.Reconcile(s.t.Context(), reconcile.Request{NamespacedName: s.key})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.t.Fatal(err)
	}
	return result
}

func (s *scene) reconcileWhenDue() {
	s.t.Helper()
	s.clock.SetTime(s.remembered().due(s.shown(), s.Resync))
	s.Writer.Standstill.Beat()
	s.reconcile()
}

func (s *scene) maintain(reason string) {
	s.t.Helper()
	check := s.shown()
	check.Annotations = nil
	if reason != "" {
		check.Annotations = map[string]string{v1alpha1.AnnotationMaintenance: reason}
	}
	if err := s.api.Update(s.t.Context(), check); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) expectFailures(want int32) {
	s.t.Helper()
	if got := s.shown().Status.ConsecutiveFailures; got != want {
		s.t.Errorf("%d failures were counted, want %d", got, want)
	}
}

func (s *scene) expectState(want v1alpha1.State) {
	s.t.Helper()
	if got := s.shown().Status.State; got != want {
		s.t.Errorf("it is %s, want %s", got, want)
	}
}

// scripted is a prober that sees what the test says.
type scripted struct {
	t         *testing.T
	past      probe.Past
	results   []probe.Result
	begun     int
	meanwhile func(context.Context) // is done while the last probe is under way
}

var _ probe.Prober = (*scripted)(nil)

func (s *scripted) probes(results ...probe.Result) { s.results = results }

// Probe implements probe.Prober.
func (s *scripted) Probe(ctx context.Context, _ *v1alpha1.HealthCheck) probe.Result {
	s.begun++
	if s.begun > len(s.results) {
		s.t.Fatalf("there is a probe too many")
	}
	if s.begun == len(s.results) && s.meanwhile != nil {
		s.meanwhile(ctx)
	}
	return s.results[s.begun-1]
}

// Recall implements probe.Prober.
func (s *scripted) Recall(context.Context, *v1alpha1.HealthCheck) probe.Past { return s.past }

func (s *scripted) expectBegun(want int) {
	s.t.Helper()
	if s.begun != want {
		s.t.Errorf("%d probes were begun, want %d", s.begun, want)
	}
}

func failedJob(uid types.UID) probe.Result {
	return probe.Result{Outcome: health.Failed, Reason: v1alpha1.ReasonProbeFailed, Message: "it fails", Job: uid}
}

func passedJob(uid types.UID) probe.Result {
	return probe.Result{Outcome: health.Passed, Reason: v1alpha1.ReasonProbeSucceeded, Message: "it passes", Job: uid}
}

func unreadJob(uid types.UID) probe.Result {
	return probe.Result{Unread: &probe.ReadError{What: "it could not be read", Err: context.DeadlineExceeded}, Job: uid}
}
