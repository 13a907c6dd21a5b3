package wallboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aliascheck/aliascheck/internal/tree"
)

func TestOnlyWhatKeepsTheTreeFromBeingLiveIsTrouble(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "any"}, "", errors.New("no"))
	for _, c := range []struct {
		name, kind string
		err        error
		harmless   bool
	}{
		{"the API server ends a watch in its time", "*v1alpha1.HealthCheck", io.EOF, true},
		{"it has forgotten where the watch was", "*v1alpha1.HealthCheck", apierrors.NewResourceExpired("too old"), true},
		{"Pods may not be read, which is a note", "*v1.Pod", fmt.Errorf("failed to list: %w", forbidden), true},
		{"checks may not be read", "*v1alpha1.HealthCheck", fmt.Errorf("failed to list: %w", forbidden), false},
		{"the connection is gone", "*v1alpha1.AliasCheck", io.ErrUnexpectedEOF, false},
	} {
		if got := harmless(c.kind, c.err); got != c.harmless {
			t.Errorf("%s: harmless is %t", c.name, got)
		}
	}
}

func TestTheMoreThereIsToShowTheMoreChangesComeTogetherWithinASecond(t *testing.T) {
	g := NewWithT(t)
	g.Expect(restAfter(time.Millisecond)).To(Equal(quiet))
	g.Expect(restAfter(quiet)).To(Equal(2 * quiet))
	g.Expect(restAfter(time.Minute)).To(Equal(maxQuiet))
}

// Whether Pods may be listed is asked once a minute: a right that is given shows within that.
func TestPodsAreRefusedAtOnceUntilTheyMayBeListed(t *testing.T) {
	g := NewWithT(t)
	allowed := false
	live := fake.NewClientBuilder().WithScheme(tree.Scheme()).WithInterceptorFuncs(interceptor.Funcs{
		List: func(_ context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) error {
			if allowed {
				return nil
			}
			return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
		},
	}).Build()
	cached := fake.NewClientBuilder().WithScheme(tree.Scheme()).Build()
	r := &reader{Reader: cached}
	now := time.Unix(1000, 0)
	r.askForPods(t.Context(), live, "", now)
	g.Expect(r.List(t.Context(), &corev1.PodList{})).To(MatchError(apierrors.IsForbidden, "forbidden"))
	g.Expect(r.List(t.Context(), &corev1.ServiceList{})).To(Succeed(), "nothing else is")
	allowed = true
	r.askForPods(t.Context(), live, "", now.Add(askAgain-time.Second))
	g.Expect(r.List(t.Context(), &corev1.PodList{})).NotTo(Succeed())
	r.askForPods(t.Context(), live, "", now.Add(askAgain))
	g.Expect(r.List(t.Context(), &corev1.PodList{})).To(Succeed())
}
