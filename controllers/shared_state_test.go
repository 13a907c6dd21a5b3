package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/status"
)

// The shared state bug: what a writer goes on changing is what a reader has in its hands. Both reconcilers read from
// the cache without a copy, and give what they read a status of its own.
var _ = Describe("Mutating an object after it was written", func() {
	It("changes nothing that a reader of the cache sees (I4)", func(ctx SpecContext) {
		namespace, since := newNamespace(ctx), time.Now().Add(-time.Hour).Truncate(time.Second)
		check := newHealthCheck(ctx, namespace, "web")
		check.Status.LastProbeTime = &metav1.Time{Time: since}
		near := newAlias(ctx, namespace, "near", targeting("HealthCheck", "web"))
		near.Status.Culprit = &v1alpha1.Culprit{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealthCheck", Namespace: namespace, Name: "web"}
		far := newAlias(ctx, namespace, "far", targeting("AliasCheck", "near"))
		for _, object := range []client.Object{check, near, far} {
			status := object.(v1alpha1.Check).CommonStatus()
			*status = said(v1alpha1.StateCritical).ApplyTo(*status, object.GetGeneration(), since)
			Expect(api.Status().Update(ctx, object)).To(Succeed())
		}
		mgr := newManager(time.Minute, namespace)
		start(mgr)
		shared := []client.Object{check, near, far}
		for _, object := range shared { // the first read waits for the whole list, which is newer than what was written
			key := client.ObjectKeyFromObject(object)
			Expect(mgr.GetClient().Get(ctx, key, object, client.UnsafeDisableDeepCopy)).To(Succeed())
		}
		var seen []client.Object
		for _, object := range shared {
			seen = append(seen, object.DeepCopyObject().(client.Object))
		}

		for _, state := range []v1alpha1.State{v1alpha1.StateCritical, v1alpha1.StateWarning} { // the same, and another
			probed := status.Shallow(check)
			probed.Status = health.Judgement{Verdict: said(state), At: time.Now(), Probed: true}.ApplyTo(check, "tcp")
			mirrored := status.Shallow(far)
			mirrored.Status = health.ApplyObservation(far, health.Observation{Members: []health.Member{{
				Kind: "AliasCheck", Namespace: namespace, Name: "near", State: state, Reason: "Said", Deeper: near.Status.Culprit,
			}}}, time.Now())
			probed.Status.LastProbeTime.Time = time.Time{}
			mirrored.Status.Culprit.Name = "scribble"
			scribbleOn(&probed.Status.CheckStatus)
			scribbleOn(&mirrored.Status.CheckStatus)
			Expect(shared).To(BeComparableTo(seen), "before it is written as %s", state)
		}

		written := status.Shallow(far)
		written.Status = health.ApplyObservation(far, health.ReadError("AliasCheck/near", "it hangs"), time.Now())
		Expect(mgr.Writer.Write(ctx, far, written, time.Now())).To(BeTrue())
		scribbleOn(&written.Status.CheckStatus)
		Expect(shared).To(BeComparableTo(seen), "after it was written")
		now := &v1alpha1.AliasCheck{}
		Eventually(func(g Gomega) {
			g.Expect(mgr.GetClient().Get(ctx, client.ObjectKeyFromObject(far), now)).To(Succeed())
			g.Expect(now.ResourceVersion).To(Equal(written.ResourceVersion))
		}).Should(Succeed())
		Expect(now.Status.State).To(Equal(v1alpha1.StateUnknown))
		Expect(now.Status.Conditions).NotTo(ContainElement(HaveField("Reason", "scribble")))
	})
})

// scribbleOn changes all that hangs on a status.
func scribbleOn(status *v1alpha1.CheckStatus) {
	status.LastTransitionTime.Time = time.Time{}
	for i := range status.Conditions {
		status.Conditions[i].Reason = "scribble"
	}
}

func said(state v1alpha1.State) health.Verdict {
	return health.Verdict{State: state, Reason: "Said", Message: "as told"}
}
