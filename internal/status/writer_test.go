package status

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// A process that was frozen between looking and writing has perhaps lost its lease meanwhile.
func TestI3AnObservationThatGrewOldIsNeverWritten(t *testing.T) {
	clock := testingclock.NewFakePassiveClock(time.Now())
	writer := &Writer{Clock: clock} // without a client: a write would panic
	before := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	after := before.DeepCopy()
	after.Status.State = v1alpha1.StatePassing

	observedAt := clock.Now()
	clock.SetTime(observedAt.Add(6 * time.Second))
	if _, err := writer.Write(t.Context(), before, after, observedAt); !errors.Is(err, ErrObservationTooOld) {
		t.Errorf("writing an observation of 6s ago gives %v, want %v", err, ErrObservationTooOld)
	}
}

// A crowd of writes waits outside of the API server; what waited for too long is looked at again.
func TestAWriteThatFindsNoSlotInTimeIsDropped(t *testing.T) {
	writer := &Writer{Clock: testingclock.NewFakePassiveClock(time.Now()), Slots: make(chan struct{}, 1)}
	writer.Slots <- struct{}{} // another write
	before := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	after := before.DeepCopy()
	after.Status.State = v1alpha1.StatePassing

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := writer.Write(ctx, before, after, writer.Clock.Now()); !Dropped(err) {
		t.Errorf("a write without a slot gives %v, want it dropped", err)
	}
	if len(writer.Slots) != 1 {
		t.Error("the slot of another write was given back")
	}
}

// The wait is a whole second of a write's five; the write has all five of them nevertheless.
func TestTheWaitForASlotIsNotTakenFromTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan time.Duration, 1)
		inner := interceptor.NewClient(nil, interceptor.Funcs{SubResourceUpdate: func(
			ctx context.Context, _ client.Client, _ string, _ client.Object, _ ...client.SubResourceUpdateOption,
		) error {
			deadline, _ := ctx.Deadline()
			left <- time.Until(deadline)
			return context.Canceled
		}})
		writer := &Writer{Client: inner, Clock: clock.RealClock{}, Slots: make(chan struct{}, 1)}
		writer.Slots <- struct{}{}                             // another write,
		time.AfterFunc(time.Second, func() { <-writer.Slots }) // which ends
		before := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
		after := before.DeepCopy()
		after.Status.State = v1alpha1.StatePassing
		if _, err := writer.Write(t.Context(), before, after, time.Now()); !errors.Is(err, context.Canceled) {
			t.Fatalf("the write gives %v, want the error of its client", err)
		}
		if got := <-left; got != MaxObservationAge {
			t.Errorf("the write has %s after it waited for a slot, want %s", got, MaxObservationAge)
		}
	})
}

func TestI7AStatusThatIsTheSameIsNotWritten(t *testing.T) {
	writer := &Writer{Clock: testingclock.NewFakePassiveClock(time.Now())}
	check := &v1alpha1.AliasCheck{Status: v1alpha1.AliasCheckStatus{CheckStatus: v1alpha1.CheckStatus{State: v1alpha1.StatePassing}}}
	if written, err := writer.Write(t.Context(), check, check.DeepCopy(), time.Now()); written || err != nil {
		t.Errorf("the same status again: written %t, %v, want neither a write nor an error", written, err)
	}
}
