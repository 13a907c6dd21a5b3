package controllers_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var _ = Describe("A roll-up of many checks that change at once", func() {
	It("is evaluated seldom, however many they are, and written three times at most", func(ctx SpecContext) {
		const members = 200
		namespace := newNamespace(ctx)
		checks := make([]*v1alpha1.HealthCheck, members)
		each(ctx, checks, func(ctx context.Context, i int) error {
			checks[i] = &v1alpha1.HealthCheck{ObjectMeta: named(namespace, fmt.Sprintf("check-%03d", i))}
			checks[i].Spec.TCP = &v1alpha1.TCPProbe{Address: "192.0.2.1:80"}
			if err := api.Create(ctx, checks[i]); err != nil {
				return err
			}
			return say(ctx, checks[i], v1alpha1.StatePassing, "fine")
		})
		var evaluations atomic.Int64
		aliases := aliasesWithResync(time.Minute, namespace)
		aliases.Evaluated = func() { evaluations.Add(1) }
		aliases.start()
		alias := newAlias(ctx, namespace, "all", func(a *v1alpha1.AliasCheck) { a.Spec.Selector = &v1alpha1.Selector{} })
		Eventually(statusOf(ctx, alias)).Should(saying(fmt.Sprintf("all %d checks are Passing", members)))

		written, before, began := writesOf(ctx, alias), evaluations.Load(), time.Now()
		each(ctx, checks, func(ctx context.Context, i int) error { return say(ctx, checks[i], v1alpha1.StateCritical, "down") })
		Eventually(statusOf(ctx, alias)).Should(show(v1alpha1.StateCritical, "CriticalChecks"))
		// Until the last change has come it rests for half a second after each evaluation; then there is one for what came after
		// the last. A burst of a second is three, and a busy machine makes it longer. Each own write is looked at once more here,
		// where nobody remembers own writes.
		rests := func() int64 { return int64(time.Since(began) / (500 * time.Millisecond)) }
		Consistently(func() int64 { return evaluations.Load() - before - written() - rests() }).
			WithTimeout(time.Second).Should(BeNumerically("<=", 2))
		Expect(written()).To(And(BeNumerically(">=", 1), BeNumerically("<=", 2+rests())))
	})
})

// say writes the status of a check, as its manager would.
func say(ctx context.Context, check *v1alpha1.HealthCheck, state v1alpha1.State, message string) error {
	check.Status.State, check.Status.Reason, check.Status.Message = state, "Said", message
	return api.Status().Update(ctx, check)
}

// each does something with all of them, many at once.
func each(ctx context.Context, checks []*v1alpha1.HealthCheck, do func(context.Context, int) error) {
	GinkgoHelper()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range checks {
		group.Go(func() error { return do(ctx, i) })
	}
	Expect(group.Wait()).To(Succeed())
}

// writesOf counts the writes of an alias from now on.
func writesOf(ctx context.Context, alias *v1alpha1.AliasCheck) func() int64 {
	GinkgoHelper()
	live := statusOf(ctx, alias)(Default)
	watcher, err := api.Watch(ctx, &v1alpha1.AliasCheckList{}, client.InNamespace(alias.Namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: live.ResourceVersion}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(watcher.Stop)
	var writes atomic.Int64
	go func() {
		for range watcher.ResultChan() {
			writes.Add(1)
		}
	}()
	return writes.Load
}
