package sweep_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgofeatures "k8s.io/client-go/features"
	featurestesting "k8s.io/client-go/features/testing"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/internal/sweep"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// interval is short, so that the tests are; patience is generous, because nothing here measures time.
const (
	interval = 500 * time.Millisecond
	patience = 30 * time.Second
	grace    = interval / 5
)

var (
	direct     client.Client // to the API server, past all faults
	restConfig *rest.Config
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	cp, err := controlplane.Start(controlplane.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := cp.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if err := v1alpha1.AddToScheme(scheme.Scheme); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	restConfig = cp.Config
	if direct, err = client.New(restConfig, client.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// rig is a swept cache behind a proxy.
type rig struct {
	*WithT
	t          *testing.T
	namespace  string
	proxy      *proxy.Proxy
	traffic    *traffic
	sweeper    *sweep.Sweeper
	cache      cache.Cache
	registry   *prometheus.Registry
	handlerLog eventLog
}

func newRig(t *testing.T, options cache.Options) *rig {
	return newRigWith(t, options, sweep.Options{Interval: interval, Grace: grace})
}

func newRigWith(t *testing.T, options cache.Options, sweeping sweep.Options) *rig {
	r := &rig{WithT: NewWithT(t), t: t, traffic: newTraffic(), registry: prometheus.NewRegistry()}
	r.SetDefaultEventuallyTimeout(patience)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "sweep-"}}
	r.Expect(direct.Create(t.Context(), namespace)).To(Succeed())
	r.namespace = namespace.Name

	var err error
	r.proxy, err = proxy.Start(restConfig)
	r.Expect(err).NotTo(HaveOccurred())
	config := r.proxy.Config()
	config.Wrap(r.traffic.wrap)
	sweeping.Scheme, sweeping.Registerer = scheme.Scheme, r.registry
	r.sweeper, err = sweep.New(sweeping)
	r.Expect(err).NotTo(HaveOccurred())
	r.Expect(r.sweeper.Attach(config, &options)).To(Succeed())
	r.cache, err = cache.New(config, options)
	r.Expect(err).NotTo(HaveOccurred())
	r.start()
	r.Expect(r.cache.WaitForCacheSync(t.Context())).To(BeTrue())
	return r
}

func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.cache.Start(ctx); err != nil {
			r.t.Errorf("the cache: %v", err)
		}
	})
	r.t.Cleanup(func() {
		cancel()
		if err := r.proxy.Close(); err != nil {
			r.t.Errorf("closing the proxy: %v", err)
		}
		wg.Wait()
	})
}

// watch starts an informer and waits until it is synced.
func (r *rig) watch(example client.Object) {
	informer, err := r.cache.GetInformer(r.t.Context(), example)
	r.Expect(err).NotTo(HaveOccurred())
	_, err = informer.AddEventHandler(&r.handlerLog)
	r.Expect(err).NotTo(HaveOccurred())
}

func (r *rig) create(object client.Object, name string) client.Object {
	object.SetNamespace(r.namespace)
	object.SetName(name)
	r.Expect(direct.Create(r.t.Context(), object)).To(Succeed())
	return object
}

func (r *rig) label(object client.Object, value string) {
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"test":"`+value+`"}}}`))
	r.Expect(direct.Patch(r.t.Context(), object, patch)).To(Succeed())
}

// cached is the label of an object in the cache, or "absent".
func (r *rig) cached(like client.Object, name string) func() string {
	return func() string {
		object := like.DeepCopyObject().(client.Object)
		err := r.cache.Get(r.t.Context(), client.ObjectKey{Namespace: r.namespace, Name: name}, object)
		if apierrors.IsNotFound(err) {
			return "absent"
		}
		if err != nil {
			return err.Error()
		}
		return object.GetLabels()["test"]
	}
}

// stale is the metric, over all kinds.
func (r *rig) stale() float64 {
	families, err := r.registry.Gather()
	r.Expect(err).NotTo(HaveOccurred())
	sum := 0.0
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			sum += metric.GetCounter().GetValue()
		}
	}
	return sum
}

// eventLog is an event handler that remembers which objects it was told of.
type eventLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *eventLog) add(what string, object any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	if object, ok := object.(client.Object); ok {
		l.lines = append(l.lines, what+" "+object.GetName())
	}
}

func (l *eventLog) read() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

func (l *eventLog) OnAdd(object any, _ bool) { l.add("added", object) }
func (l *eventLog) OnUpdate(_, object any)   { l.add("updated", object) }
func (l *eventLog) OnDelete(object any)      { l.add("deleted", object) }

// traffic counts what the cache and its sweeper ask for.
type traffic struct {
	mu             sync.Mutex
	sweeps         map[string]int // by path
	watches        map[string]int
	underWay, most int // sweeps
}

func newTraffic() *traffic {
	return &traffic{sweeps: map[string]int{}, watches: map[string]int{}}
}

func (c *traffic) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		defer c.begin(request)()
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (c *traffic) begin(request *http.Request) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case request.URL.Query().Get("watch") == "true":
		c.watches[request.URL.Path]++
	case strings.Contains(request.Header.Get("Accept"), "PartialObjectMetadataList"):
		c.sweeps[request.URL.Path]++
		c.underWay++
		c.most = max(c.most, c.underWay)
		return c.end
	}
	return func() {}
}

func (c *traffic) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underWay--
}

func (c *traffic) count(of map[string]int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0
	for _, n := range of {
		sum += n
	}
	return sum
}

func (c *traffic) sweepCount() int { return c.count(c.sweeps) }
func (c *traffic) watchCount() int { return c.count(c.watches) }

func healthCheck() client.Object {
	return &v1alpha1.HealthCheck{Spec: v1alpha1.HealthCheckSpec{TCP: &v1alpha1.TCPProbe{Address: "127.0.0.1:1"}}}
}

func unstructuredHealthCheck() client.Object {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(healthCheck())
	if err != nil {
		panic(err)
	}
	delete(content, "status")
	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("HealthCheck"))
	return object
}

func configMap() client.Object { return &corev1.ConfigMap{} }

func configMapMetadata() client.Object {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	return object
}

func TestASweepHealsACacheWhoseWatchHasLostEverything(t *testing.T) {
	for name, kind := range map[string]struct{ created, cached func() client.Object }{
		"a typed custom resource":         {healthCheck, healthCheck},
		"an unstructured custom resource": {unstructuredHealthCheck, unstructuredHealthCheck},
		"a typed built-in kind":           {configMap, configMap},
		"the metadata of a kind":          {configMap, configMapMetadata},
	} {
		for mode, watchList := range map[string]bool{"relisting by watch": true, "relisting by list": false} {
			t.Run(name+", "+mode, func(t *testing.T) {
				featurestesting.SetFeatureDuringTest(t, clientgofeatures.WatchListClient, watchList)
				loseEverythingAndHeal(t, kind.created, kind.cached)
			})
		}
	}
}

func loseEverythingAndHeal(t *testing.T, created, cached func() client.Object) {
	r := newRig(t, cache.Options{})
	updated, deleted := r.create(created(), "updated"), r.create(created(), "deleted")
	recreated := r.create(created(), "recreated")
	r.watch(cached())
	r.Eventually(r.cached(cached(), "recreated")).Should(BeEmpty())

	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow}}})
	r.create(created(), "created")
	r.label(updated, "new")
	r.Expect(direct.Delete(t.Context(), deleted)).To(Succeed())
	r.Expect(direct.Delete(t.Context(), recreated)).To(Succeed())
	r.label(r.create(created(), "recreated"), "second")

	r.Eventually(r.cached(cached(), "created")).Should(BeEmpty())
	r.Eventually(r.cached(cached(), "updated")).Should(Equal("new"))
	r.Eventually(r.cached(cached(), "deleted")).Should(Equal("absent"))
	r.Eventually(r.cached(cached(), "recreated")).Should(Equal("second"))
	r.Expect(r.stale()).To(BeNumerically(">=", 1))
	r.Eventually(r.handlerLog.read).Should(ContainElements("added created", "updated updated", "deleted deleted"))
}

func TestASweepHealsACacheWhoseWatchIsFrozen(t *testing.T) {
	for mode, watchList := range map[string]bool{"relisting by watch": true, "relisting by list": false} {
		t.Run(mode, func(t *testing.T) {
			featurestesting.SetFeatureDuringTest(t, clientgofeatures.WatchListClient, watchList)
			r := newRig(t, cache.Options{})
			object := r.create(configMap(), "one")
			r.watch(configMap())
			r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Freeze}}})
			r.label(object, "new")
			r.Eventually(r.cached(configMap(), "one")).Should(Equal("new"))
		})
	}
}

// A proxy that buffers holds back every frame, of new watches too, while lists go through.
func TestACacheFillsAndFollowsThoughNoStreamEverDelivers(t *testing.T) {
	r := newRig(t, cache.Options{})
	object := r.create(configMap(), "one")
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Freeze, Initial: true}}})
	r.watch(configMap())
	r.Eventually(r.cached(configMap(), "one")).Should(BeEmpty())
	r.Expect(r.stale()).To(BeZero(), "a start that stalls has lost nothing")
	for _, label := range []string{"first", "second", "third"} {
		r.label(object, label)
		r.Eventually(r.cached(configMap(), "one")).Should(Equal(label))
	}
	r.Expect(direct.Delete(t.Context(), object)).To(Succeed())
	r.Eventually(r.cached(configMap(), "one")).Should(Equal("absent"))
	r.Expect(r.stale()).To(BeEquivalentTo(4))
}

// The first and the last of more objects than a page has.
func TestASweepReadsEveryPage(t *testing.T) {
	r := newRig(t, cache.Options{})
	var objects []client.Object
	for i := range 510 {
		objects = append(objects, r.create(configMap(), fmt.Sprintf("page-%03d", i)))
	}
	r.watch(configMap())
	r.Eventually(r.cached(configMap(), "page-509")).Should(BeEmpty())
	before := r.traffic.sweepCount()
	r.Eventually(r.traffic.sweepCount).Should(BeNumerically(">=", before+4)) // two sweeps, of two pages each
	r.Expect(r.stale()).To(BeZero())

	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow}}})
	r.label(objects[509], "new")
	r.Eventually(r.cached(configMap(), "page-509")).Should(Equal("new"))
	r.label(objects[0], "new")
	r.Eventually(r.cached(configMap(), "page-000")).Should(Equal("new"))
}

// The grace is longer than a busy machine makes a watch lag; the interval is not what is tested here.
func TestARightCacheIsLeftAloneUnderChurn(t *testing.T) {
	r := newRigWith(t, cache.Options{}, sweep.Options{Interval: interval, Grace: 5 * time.Second})
	r.watch(configMap())
	watches := r.traffic.watchCount()
	for round := 0; r.traffic.sweepCount() < 20; round++ {
		name := fmt.Sprintf("churn-%d", round%7)
		object := r.create(configMap(), name)
		r.label(object, "new")
		r.Expect(direct.Delete(t.Context(), object)).To(Succeed())
	}
	r.Expect(r.stale()).To(BeZero())
	r.Expect(r.traffic.watchCount()).To(Equal(watches), "a watch was ended")
}

func TestASelectorInTheCacheIsNoGap(t *testing.T) {
	r := newRig(t, cache.Options{ByObject: map[client.Object]cache.ByObject{
		&corev1.ConfigMap{}: {Label: labels.SelectorFromSet(labels.Set{"test": "chosen"})},
	}})
	r.create(configMap(), "other")
	r.label(r.create(configMap(), "chosen"), "chosen")
	r.watch(configMap())
	watches := r.traffic.watchCount()
	before := r.traffic.sweepCount()
	r.Eventually(r.traffic.sweepCount).Should(BeNumerically(">=", before+4))
	r.Expect(r.stale()).To(BeZero())
	r.Expect(r.traffic.watchCount()).To(Equal(watches))
}

func TestANamespacedCacheIsSweptInItsNamespaces(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "sweep-"}}
	NewWithT(t).Expect(direct.Create(t.Context(), namespace)).To(Succeed())
	r := newRig(t, cache.Options{DefaultNamespaces: map[string]cache.Config{namespace.Name: {}, "default": {}}})
	r.create(configMap(), "elsewhere")
	r.namespace = namespace.Name
	r.watch(configMap())
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow}}})
	r.create(configMap(), "here")
	r.Eventually(r.cached(configMap(), "here")).Should(BeEmpty())
	for _, path := range r.traffic.paths() {
		r.Expect(path).To(HaveSuffix("/configmaps"))
		r.Expect(path).To(ContainSubstring("/namespaces/"))
	}
}

func TestAnInformerThatIsRemovedIsNotSweptAnyMore(t *testing.T) {
	r := newRig(t, cache.Options{})
	r.watch(configMap())
	r.Eventually(r.traffic.sweepCount).Should(BeNumerically(">=", 2))
	r.Expect(r.cache.RemoveInformer(t.Context(), configMap())).To(Succeed())
	r.watch(healthCheck())
	r.Eventually(func() int { return r.traffic.requestsTo("/apis/health.aliascheck.dev/v1alpha1/healthchecks") }).
		Should(BeNumerically(">=", 1))
	left := r.traffic.requestsTo("/api/v1/configmaps")
	before := r.traffic.sweepCount()
	r.Eventually(r.traffic.sweepCount).Should(BeNumerically(">=", before+4))
	r.Expect(r.traffic.requestsTo("/api/v1/configmaps")).To(Equal(left))
}

func (c *traffic) paths() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.sweeps))
}

func (c *traffic) mostUnderWay() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

func (c *traffic) requestsTo(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sweeps[path]
}

func TestSweepsOfASlowOrFailingAPIServerNeverPileUp(t *testing.T) {
	for name, faults := range map[string]proxy.Faults{
		"slow":    {Slow: 3 * interval},
		"failing": {Answers: []proxy.Answer{{Status: http.StatusServiceUnavailable, Method: http.MethodGet}}},
		"busy":    {Answers: []proxy.Answer{{Status: http.StatusTooManyRequests, Method: http.MethodGet}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, cache.Options{})
			object := r.create(configMap(), "one")
			r.watch(configMap())
			faults.Frames = []proxy.FrameFault{{Action: proxy.Swallow}}
			r.proxy.Set(faults)
			r.label(object, "new")
			before := r.traffic.sweepCount()
			r.Eventually(r.traffic.sweepCount).Should(BeNumerically(">=", before+4))
			r.proxy.Set(proxy.Faults{Frames: faults.Frames})
			r.Eventually(r.cached(configMap(), "one")).Should(Equal("new"))
			r.Expect(r.traffic.mostUnderWay()).To(Equal(1), "sweeps of one kind under way at once")
		})
	}
}

func TestTheMetricIsThereFromTheStart(t *testing.T) {
	r := newRig(t, cache.Options{})
	r.watch(healthCheck())
	r.Expect(testutil.GatherAndCompare(r.registry, strings.NewReader(`
# HELP aliascheck_sweep_stale_objects_total Objects that a sweep found stale in the watch cache. It should stay 0.
# TYPE aliascheck_sweep_stale_objects_total counter
aliascheck_sweep_stale_objects_total{kind="HealthCheck"} 0
`))).To(Succeed())
}

func TestASweepNeedsAPositiveInterval(t *testing.T) {
	for _, wrong := range []time.Duration{0, -time.Second} {
		if _, err := sweep.New(sweep.Options{Interval: wrong, Scheme: scheme.Scheme}); err == nil {
			t.Errorf("an interval of %s was accepted", wrong)
		}
	}
}

// client-go backs off when it is made to relist often: it would repair the seventh loss a minute late.
func TestALossThatLastsIsRepairedAsSoonAsTheFirst(t *testing.T) {
	r := newRig(t, cache.Options{})
	object := r.create(configMap(), "one")
	r.watch(configMap())
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow}}})
	for round := range 7 {
		label := fmt.Sprint("round-", round)
		r.label(object, label)
		r.Eventually(r.cached(configMap(), "one"), 10*time.Second).Should(Equal(label))
	}
}

// What a lost change leads to is a change too, of the same kind or of another, and is lost next. The clock goes on only
// while nothing is being compared.
func TestAChainOfLossesIsRepairedWithoutAnotherInterval(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Now())
	r := newRigWith(t, cache.Options{}, sweep.Options{Interval: time.Hour, Grace: time.Second, Clock: clock})
	cause, effect := r.create(configMap(), "cause"), r.create(healthCheck(), "effect")
	r.watch(configMap())
	r.watch(healthCheck())
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow}}})
	repaired := func(kind client.Object, name, label string) time.Duration {
		began, found := clock.Now(), r.stale()
		r.Eventually(func() string {
			// While a loss that was found is repaired no time passes, however long that takes.
			if r.stale() == found && clock.Waiters() >= 2 { // one for each kind
				clock.Step(10 * time.Second)
			}
			return r.cached(kind, name)()
		}).WithPolling(5 * time.Millisecond).Should(Equal(label))
		return clock.Since(began)
	}
	r.label(cause, "1")
	r.Expect(repaired(configMap(), "cause", "1")).To(BeNumerically("<=", time.Hour+time.Minute))
	r.label(effect, "1")
	r.Expect(repaired(healthCheck(), "effect", "1")).To(BeNumerically("<", 20*time.Minute), "of another kind")
	r.label(effect, "2")
	r.Expect(repaired(healthCheck(), "effect", "2")).To(BeNumerically("<", 20*time.Minute), "of the same kind")
}
