package controllers_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/status"
)

var _ = Describe("A status write", func() {
	var (
		ctx    context.Context
		writer *status.Writer
		check  *v1alpha1.AliasCheck
	)

	BeforeEach(func() {
		ctx = context.Background()
		writer = &status.Writer{Client: api, Recorder: events.NewFakeRecorder(1), Clock: clock.RealClock{},
			Standstill: &status.Standstill{Clock: clock.RealClock{}}, Details: status.NewDetails()}
		check = newAlias(ctx, newNamespace(ctx), "front", targeting("HealthCheck", "web"), func(a *v1alpha1.AliasCheck) {
			a.Labels = map[string]string{"team": "shop"}
			a.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", v1alpha1.AnnotationMaintenance: "moving"}
		})
	})

	// write gives an object as the cache has it another state.
	write := func(check *v1alpha1.AliasCheck, state v1alpha1.State) error {
		cached, err := status.StripCheck(check.DeepCopy())
		Expect(err).NotTo(HaveOccurred())
		before := cached.(*v1alpha1.AliasCheck)
		after := status.Shallow(before)
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

	It("never reaches another object of the same name (I2)", func() {
		Expect(api.Delete(ctx, check.DeepCopy())).To(Succeed())
		again := newAlias(ctx, check.Namespace, check.Name, targeting("HealthCheck", "web"))
		Expect(apierrors.IsConflict(write(check, v1alpha1.StatePassing))).To(BeTrue())
		Expect(statusOf(ctx, again)(Default).Status.State).To(Equal(v1alpha1.StateUnknown))
	})
})
