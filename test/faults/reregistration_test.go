package faults

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Consul #5876, the fault that this project grew from: everything restarts at once while an application
// registers its checks again under the same names, with a service that is Critical first and Passing a moment
// later. The edge was missed, and the alias stayed Critical.
func TestConsul5876AliasesFollowWhatIsRegisteredAnewWhileEverythingRestarts(t *testing.T) {
	r := newRig(t)
	checks := names("app", 20)
	for _, name := range checks {
		r.create(r.healthCheck(name), r.aliasOf(name))
	}
	manager := r.launchManager()
	r.allBecome(checks, v1alpha1.StatePassing)
	for range rounds(2, 200) {
		for _, name := range checks {
			r.app.fail(name)
		}
		r.Expect(manager.Kill()).To(Succeed())
		r.restart("etcd", "kube-apiserver")
		seen := r.observeByUID()
		manager = r.launch() // it starts beside the registration, and not before it
		for _, name := range checks {
			r.registerAnew(name)
		}
		r.waitReady(manager)
		r.allBecome(checks, v1alpha1.StatePassing)
		// Not of all: a watch of an API server that has just started may end and find that it cannot go on.
		r.Eventually(seen.criticalThenPassing).Should(BeNumerically(">", 0), "no target was Critical first, and then Passing")
		t.Logf("%d of the targets were seen Critical first", seen.criticalThenPassing())
		seen.end()
	}
	r.Expect(manager.Stop()).To(Succeed())
}

// registerAnew is what an application does when it starts.
func (r *rig) registerAnew(name string) {
	r.t.Helper()
	// An API server that has just started may yet refuse what it would allow a moment later.
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	r.Eventually(ctx, func(g Gomega) {
		g.Expect(r.remove(r.aliasOf(name))).To(Succeed())
		g.Expect(r.remove(r.healthCheck(name))).To(Succeed())
		check := r.healthCheck(name)
		check.Spec.InitialState = v1alpha1.StateCritical // as Consul registers what it has not looked at yet
		g.Expect(direct.Create(ctx, check)).To(Succeed())
		g.Expect(direct.Create(ctx, r.aliasOf(name))).To(Succeed())
	}).Should(Succeed())
	time.AfterFunc(5*time.Millisecond, func() { r.app.recover(name) })
}

func (r *rig) allBecome(checks []string, want v1alpha1.State) {
	r.t.Helper()
	began := time.Now()
	for _, name := range checks {
		r.Eventually(r.states(name)).Should(Equal(both(want)), name)
	}
	r.t.Logf("%d aliases right after %s", len(checks), time.Since(began).Round(10*time.Millisecond))
}

// sightings are the states that each HealthCheck was seen in, one after the other.
type sightings struct {
	end    context.CancelFunc
	mu     sync.Mutex
	locked map[types.UID][]v1alpha1.State // guarded by mu
}

// observeByUID looks on from now. An API server that has just started ends its first watches of custom resources when
// it has made up its mind about them; the watch goes on from where it was.
func (r *rig) observeByUID() *sightings {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	s := &sightings{end: cancel, locked: map[types.UID][]v1alpha1.State{}}
	var now v1alpha1.HealthCheckList
	r.Eventually(func() error { return direct.List(ctx, &now, client.InNamespace(r.namespace)) }).Should(Succeed())
	source := &cache.ListWatch{WatchFuncWithContext: func(
		ctx context.Context, options metav1.ListOptions,
	) (watch.Interface, error) {
		return direct.Watch(ctx, &v1alpha1.HealthCheckList{}, &client.ListOptions{Namespace: r.namespace, Raw: &options})
	}}
	watcher, err := toolswatch.NewRetryWatcherWithContext(ctx, now.ResourceVersion, source)
	r.Expect(err).NotTo(HaveOccurred())
	go func() {
		for event := range watcher.ResultChan() {
			if check, ok := event.Object.(*v1alpha1.HealthCheck); ok && event.Type != watch.Deleted {
				s.add(check)
			}
		}
	}()
	return s
}

func (s *sightings) add(check *v1alpha1.HealthCheck) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locked[check.UID] = append(s.locked[check.UID], check.Status.State)
}

// criticalThenPassing counts the checks that were new, then Critical, and Passing after that.
func (s *sightings) criticalThenPassing() (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := []v1alpha1.State{v1alpha1.StateUnknown, v1alpha1.StateCritical, v1alpha1.StatePassing}
	for _, shown := range s.locked {
		if slices.Equal(slices.Compact(slices.Clone(shown)), want) {
			count++
		}
	}
	return count
}
