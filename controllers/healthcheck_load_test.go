package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/healthcheck"
)

var _ = Describe("A manager with 2,000 checks that hang until their timeout of a minute", func() {
	const (
		hanging, healthy = 2000, 200
		interval         = 10 * time.Second
	)

	It("keeps the schedule of 200 healthy ones, and acts on an edit at once", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		web := newPunctual()
		DeferCleanup(web.Close)
		// Fewer workers than there are checks that hang: without slots none would be left for the others.
		startHealthChecks(namespace, func(r *healthcheck.Reconciler) { r.MaxConcurrentProbes = 1024 })

		newHealthChecks(ctx, namespace, "hanging", hanging, web.URL+"/hang", time.Minute)
		newHealthChecks(ctx, namespace, "healthy", healthy, web.URL, interval)
		Eventually(web.seen).WithTimeout(4 * time.Minute).Should(Equal(healthy))
		Eventually(web.leastProbed).WithTimeout(2 * time.Minute).Should(BeNumerically(">=", 3))
		Expect(web.longestWait()).To(BeNumerically("<=", 2*interval), "a probe was later than one interval")

		edited := &v1alpha1.HealthCheck{ObjectMeta: named(namespace, "hanging-5")}
		edit(ctx, edited, func(h *v1alpha1.HealthCheck) { h.Spec.HTTP.URL = web.URL + "/healthy-5" })
		Eventually(statusOf(ctx, edited)).WithTimeout(2 * time.Second).
			Should(show(v1alpha1.StatePassing, v1alpha1.ReasonProbeSucceeded))
		for _, name := range []string{"healthy-7", "hanging-7"} {
			check := &v1alpha1.HealthCheck{ObjectMeta: named(namespace, name)}
			edit(ctx, check, func(h *v1alpha1.HealthCheck) { h.Spec.Maintenance = &v1alpha1.Maintenance{Reason: "now"} })
			Eventually(statusOf(ctx, check)).WithTimeout(2 * time.Second).
				Should(show(v1alpha1.StateMaintenance, v1alpha1.ReasonMaintenance))
		}
	})
})

// newHealthChecks makes many, each of which probes a path of its own name for up to its interval.
func newHealthChecks(ctx context.Context, namespace, prefix string, n int, url string, interval time.Duration) {
	GinkgoHelper()
	var group errgroup.Group
	group.SetLimit(16)
	for i := range n {
		name := fmt.Sprintf("%s-%d", prefix, i)
		group.Go(func() error {
			check := &v1alpha1.HealthCheck{ObjectMeta: named(namespace, name)}
			check.Spec.HTTP = &v1alpha1.HTTPProbe{URL: url + "/" + name}
			every(interval)(check)
			within(interval)(check)
			return api.Create(ctx, check)
		})
	}
	Expect(group.Wait()).To(Succeed())
}

// punctual is a service that hangs under /hang/, and otherwise notes when each path was asked for.
type punctual struct {
	*httptest.Server

	mu sync.Mutex
	// asked is guarded by mu.
	asked map[string][]time.Time
}

func newPunctual() *punctual {
	p := &punctual{asked: map[string][]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/hang/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked[r.URL.Path] = append(p.asked[r.URL.Path], time.Now())
	})
	p.Server = httptest.NewServer(mux)
	return p
}

// seen is how many paths have been asked for.
func (p *punctual) seen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// leastProbed is how often the path was asked for that was asked for the least.
func (p *punctual) leastProbed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	least := len(p.asked) * 1000
	for _, times := range p.asked {
		least = min(least, len(times))
	}
	return least
}

// longestWait is the longest time between two requests for one path.
func (p *punctual) longestWait() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var longest time.Duration
	for _, times := range p.asked {
		for i := 1; i < len(times); i++ {
			longest = max(longest, times[i].Sub(times[i-1]))
		}
	}
	return longest
}
