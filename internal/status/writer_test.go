package status

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// A process that was frozen between looking and writing has perhaps lost its lease meanwhile.
func TestI3AnObservationThatGrewOldIsNeverWritten(t *testing.T) {
	clock := testingclock.NewFakePassiveClock(time.Now())
	writer := &Writer{Clock: clock, Standstill: &Standstill{Clock: clock}, Details: NewDetails()} // without a client: a write would panic
	before := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	after := before.DeepCopy()
	after.Status.State = v1alpha1.StatePassing

	observedAt := clock.Now()
	clock.SetTime(observedAt.Add(6 * time.Second))
	if _, err := writer.Write(t.Context(), before, after, observedAt); !errors.Is(err, ErrObservationTooOld) {
		t.Errorf("writing an observation of 6s ago gives %v, want %v", err, ErrObservationTooOld)
	}
}

func TestI7AStatusThatIsTheSameIsNotWritten(t *testing.T) {
	now := testingclock.NewFakePassiveClock(time.Now())
	writer := &Writer{Clock: now, Standstill: &Standstill{Clock: now}, Details: NewDetails()}
	check := &v1alpha1.AliasCheck{Status: v1alpha1.AliasCheckStatus{CheckStatus: v1alpha1.CheckStatus{State: v1alpha1.StatePassing}}}
	if written, err := writer.Write(t.Context(), check, check.DeepCopy(), time.Now()); written || err != nil {
		t.Errorf("the same status again: written %t, %v, want neither a write nor an error", written, err)
	}
}

// What a server or another controller puts into words must not cost a write each time that it says it otherwise.
func TestDetailsThatAloneChangeAreNotWrittenEachTime(t *testing.T) {
	updates := 0
	inner := interceptor.NewClient(nil, interceptor.Funcs{SubResourceUpdate: func(
		context.Context, client.Client, string, client.Object, ...client.SubResourceUpdateOption,
	) error {
		updates++
		return nil
	}})
	clock := testingclock.NewFakePassiveClock(time.Now())
	writer := &Writer{Client: inner, Clock: clock, Recorder: &events.FakeRecorder{},
		Standstill: &Standstill{Clock: clock}, Details: NewDetails()}
	check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"}}
	check.Status.State, check.Status.Conditions = v1alpha1.StatePassing, []metav1.Condition{{Type: v1alpha1.ConditionReady}}
	write := func(change func(*v1alpha1.HealthCheckStatus)) {
		t.Helper()
		after := check.DeepCopy()
		change(&after.Status)
		written, err := writer.Write(t.Context(), check, after, clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if written {
			check = after
		}
	}
	for i := range 10 {
		text := strconv.Itoa(i)
		write(func(s *v1alpha1.HealthCheckStatus) { s.Message, s.Conditions[0].Message, s.Pending = text, text, text })
	}
	if updates != 3 {
		t.Errorf("ten texts at once are written %d times, want 3", updates)
	}
	write(func(s *v1alpha1.HealthCheckStatus) { s.State = v1alpha1.StateCritical })
	if updates != 4 {
		t.Error("a change of state has to wait")
	}
	clock.SetTime(clock.Now().Add(time.Minute))
	write(func(s *v1alpha1.HealthCheckStatus) { s.Message = "a minute later" })
	if updates != 5 {
		t.Error("a minute later the text of then is not written")
	}
}

func TestAnEventTowardsWhatIsHealthyOrPlannedIsNormal(t *testing.T) {
	for to, want := range map[v1alpha1.State]string{
		v1alpha1.StatePassing: "Normal", v1alpha1.StateMaintenance: "Normal",
		v1alpha1.StateWarning: "Warning", v1alpha1.StateCritical: "Warning", v1alpha1.StateUnknown: "Warning",
	} {
		if got := eventType(to); got != want {
			t.Errorf("an Event towards %s is %s, want %s", to, got, want)
		}
	}
}
