package controllers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// A process that was frozen between looking and writing has perhaps lost its lease meanwhile.
func TestI3AnObservationThatGrewOldIsNeverWritten(t *testing.T) {
	clock := testingclock.NewFakePassiveClock(time.Now())
	writer := &StatusWriter{Clock: clock} // without a client: a write would panic
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
	writer := &StatusWriter{Clock: testingclock.NewFakePassiveClock(time.Now()), Slots: make(chan struct{}, 1)}
	writer.Slots <- struct{}{} // another write
	before := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	after := before.DeepCopy()
	after.Status.State = v1alpha1.StatePassing

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := writer.Write(ctx, before, after, writer.Clock.Now()); !dropped(err) {
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
		writer := &StatusWriter{Client: inner, Clock: clock.RealClock{}, Slots: make(chan struct{}, 1)}
		writer.Slots <- struct{}{}                             // another write,
		time.AfterFunc(time.Second, func() { <-writer.Slots }) // which ends
		before := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
		after := before.DeepCopy()
		after.Status.State = v1alpha1.StatePassing
		if _, err := writer.Write(t.Context(), before, after, time.Now()); !errors.Is(err, context.Canceled) {
			t.Fatalf("the write gives %v, want the error of its client", err)
		}
		if got := <-left; got != maxObservationAge {
			t.Errorf("the write has %s after it waited for a slot, want %s", got, maxObservationAge)
		}
	})
}

func TestI7AStatusThatIsTheSameIsNotWritten(t *testing.T) {
	writer := &StatusWriter{Clock: testingclock.NewFakePassiveClock(time.Now())}
	check := &v1alpha1.AliasCheck{Status: v1alpha1.AliasCheckStatus{CheckStatus: v1alpha1.CheckStatus{State: v1alpha1.StatePassing}}}
	if written, err := writer.Write(t.Context(), check, check.DeepCopy(), time.Now()); written || err != nil {
		t.Errorf("the same status again: written %t, %v, want neither a write nor an error", written, err)
	}
}

var _ = Describe("A status write", func() {
	var (
		ctx    context.Context
		writer *StatusWriter
		check  *v1alpha1.AliasCheck
	)

	BeforeEach(func() {
		ctx = context.Background()
		writer = &StatusWriter{Client: api, Recorder: events.NewFakeRecorder(1), Clock: clock.RealClock{}}
		check = newAlias(ctx, newNamespace(ctx), "front", targeting("HealthCheck", "web"), func(a *v1alpha1.AliasCheck) {
			a.Labels = map[string]string{"team": "shop"}
			a.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", v1alpha1.AnnotationMaintenance: "moving"}
		})
	})

	// write gives an object as the cache has it another state.
	write := func(check *v1alpha1.AliasCheck, state v1alpha1.State) error {
		cached, err := StripCheck(check.DeepCopy())
		Expect(err).NotTo(HaveOccurred())
		before := cached.(*v1alpha1.AliasCheck)
		after := shallow(before)
		after.Status.State, after.Status.Message = state, "as seen"
		_, err = writer.Write(ctx, before, after, time.Now())
		return err
	}

	It("leaves everything else as it is, though the cache lacks some of it", func() {
		created := statusOf(ctx, check)(Default)
		Expect(write(check, v1alpha1.StateWarning)).To(Succeed())

		live := statusOf(ctx, check)(Default)
		Expect(live.Status.State).To(Equal(v1alpha1.StateWarning))
		Expect(live.Generation).To(Equal(created.Generation))
		Expect(live.Spec).To(Equal(created.Spec))
		Expect(live.Labels).To(Equal(created.Labels))
		Expect(live.Annotations).To(Equal(created.Annotations))
		Expect(live.ManagedFields).To(ContainElements(created.ManagedFields), "what others own")
	})

	It("is a conflict after any other write (I2)", func() {
		edit(ctx, check.DeepCopy(), func(a *v1alpha1.AliasCheck) { a.Labels["team"] = "stock" })
		Expect(apierrors.IsConflict(write(check, v1alpha1.StatePassing))).To(BeTrue())
		Expect(statusOf(ctx, check)(Default).Status.State).To(Equal(v1alpha1.StateUnknown))
	})

	It("never reaches an object of the same name that was made anew (I2)", func() {
		Expect(api.Delete(ctx, check.DeepCopy())).To(Succeed())
		again := newAlias(ctx, check.Namespace, check.Name, targeting("HealthCheck", "web"))
		Expect(apierrors.IsConflict(write(check, v1alpha1.StatePassing))).To(BeTrue())
		Expect(statusOf(ctx, again)(Default).Status.State).To(Equal(v1alpha1.StateUnknown))
	})
})
