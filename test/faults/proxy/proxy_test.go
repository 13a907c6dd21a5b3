package proxy_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

var restConfig *rest.Config

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
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
	restConfig = cp.Config
	return m.Run()
}

const (
	protobuf = "application/vnd.kubernetes.protobuf"
	json     = "application/json"
)

// rig is a proxy, and ConfigMaps of one namespace through it and past it.
type rig struct {
	*WithT
	t               *testing.T
	proxy           *proxy.Proxy
	namespace       string
	through, direct clientcorev1.ConfigMapInterface
}

func newRig(t *testing.T, contentType string) *rig {
	r := &rig{WithT: NewWithT(t), t: t}
	r.SetDefaultEventuallyTimeout(20 * time.Second)
	var err error
	r.proxy, err = proxy.Start(restConfig)
	r.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { r.Expect(r.proxy.Close()).To(Succeed()) })
	config := r.proxy.Config()
	config.ContentType = contentType
	direct := kubernetes.NewForConfigOrDie(restConfig)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "proxy-"}}
	namespace, err = direct.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	r.Expect(err).NotTo(HaveOccurred())
	r.namespace = namespace.Name
	r.direct = direct.CoreV1().ConfigMaps(namespace.Name)
	r.through = kubernetes.NewForConfigOrDie(config).CoreV1().ConfigMaps(namespace.Name)
	return r
}

func (r *rig) create(names ...string) {
	for _, name := range names {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := r.direct.Create(r.t.Context(), object, metav1.CreateOptions{})
		r.Expect(err).NotTo(HaveOccurred())
	}
}

func (r *rig) delete(name string) {
	r.Expect(r.direct.Delete(r.t.Context(), name, metav1.DeleteOptions{})).To(Succeed())
}

// watch begins like a reflector: the objects that exist, a bookmark, and then what happens. The bookmarks that the API
// server sends later, in its own time, are left out.
func (r *rig) watch() <-chan watch.Event {
	initial := true
	watcher, err := r.through.Watch(r.t.Context(), metav1.ListOptions{
		SendInitialEvents:    &initial,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		AllowWatchBookmarks:  true,
	})
	r.Expect(err).NotTo(HaveOccurred())
	watcher = watch.Filter(watcher, func(event watch.Event) (watch.Event, bool) {
		return event, event.Type != watch.Bookmark || endsInitialEvents(event.Object)
	})
	r.t.Cleanup(watcher.Stop)
	return watcher.ResultChan()
}

func endsInitialEvents(object runtime.Object) bool {
	return object.(*corev1.ConfigMap).Annotations[metav1.InitialEventsAnnotationKey] == "true"
}

func (r *rig) expect(events <-chan watch.Event, eventType watch.EventType, name string) {
	r.t.Helper()
	var event watch.Event
	r.Eventually(events).Should(Receive(&event))
	r.Expect(event.Type).To(Equal(eventType))
	if eventType != watch.Bookmark {
		r.Expect(event.Object.(*corev1.ConfigMap).Name).To(Equal(name))
	}
}

func TestFramesAreSwallowedAfterTheInitialOnes(t *testing.T) {
	for _, contentType := range []string{protobuf, json} {
		t.Run(contentType, func(t *testing.T) {
			r := newRig(t, contentType)
			r.create("existing")
			r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow, Type: "ADDED", Resource: "configmaps"}}})
			events := r.watch()
			r.expect(events, watch.Added, "existing")
			r.expect(events, watch.Bookmark, "")
			r.create("lost")
			r.Eventually(r.proxy.FramesHit).Should(Equal(1))
			r.proxy.Set(proxy.Faults{})
			r.create("seen")
			r.expect(events, watch.Added, "seen")
		})
	}
}

func TestFramesAreSwallowedByTypeResourceAndTurn(t *testing.T) {
	for name, test := range map[string]struct {
		fault proxy.FrameFault
		want  []string
	}{
		"by type":             {proxy.FrameFault{Type: "DELETED"}, []string{"ADDED a", "ADDED b", "ADDED c"}},
		"of another resource": {proxy.FrameFault{Resource: "secrets"}, []string{"ADDED a", "ADDED b", "DELETED a", "ADDED c"}},
		"every second":        {proxy.FrameFault{Type: "ADDED", Every: 2}, []string{"ADDED a", "DELETED a", "ADDED c"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, protobuf)
			events := r.watch()
			r.expect(events, watch.Bookmark, "")
			test.fault.Action = proxy.Swallow
			r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{test.fault}})
			r.create("a", "b")
			r.delete("a")
			r.create("c")
			var got []string
			r.Eventually(func() []string {
				select {
				case event := <-events:
					got = append(got, fmt.Sprintf("%s %s", event.Type, event.Object.(*corev1.ConfigMap).Name))
				default:
				}
				return got
			}).Should(Equal(test.want))
		})
	}
}

func TestInitialFramesAreSwallowedOnlyIfAskedFor(t *testing.T) {
	r := newRig(t, json)
	r.create("existing")
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Swallow, Type: "ADDED", Initial: true}}})
	r.expect(r.watch(), watch.Bookmark, "")
}

func TestAFrozenStreamKeepsItsOrderWhenItThaws(t *testing.T) {
	r := newRig(t, protobuf)
	events := r.watch()
	r.expect(events, watch.Bookmark, "")
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Freeze, Type: "ADDED"}}})
	r.create("first", "second")
	r.Eventually(r.proxy.FramesHit).Should(Equal(1))
	r.Expect(events).NotTo(Receive())
	r.proxy.Set(proxy.Faults{})
	r.expect(events, watch.Added, "first")
	r.expect(events, watch.Added, "second")
}

func TestDelayedFramesKeepTheirOrder(t *testing.T) {
	r := newRig(t, json)
	events := r.watch()
	r.expect(events, watch.Bookmark, "")
	const delay = 300 * time.Millisecond
	r.proxy.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Delay, By: delay}}})
	began := time.Now()
	r.create("first", "second", "third")
	for _, name := range []string{"first", "second", "third"} {
		r.expect(events, watch.Added, name)
		r.Expect(time.Since(began)).To(BeNumerically(">=", delay))
	}
}

func TestACutEndsWatches(t *testing.T) {
	r := newRig(t, protobuf)
	events := r.watch()
	r.expect(events, watch.Bookmark, "")
	r.proxy.Cut()
	r.Eventually(events).Should(BeClosed())
}

func TestCallsAreAnsweredWithErrors(t *testing.T) {
	for status, is := range map[int]func(error) bool{
		http.StatusTooManyRequests:     apierrors.IsTooManyRequests,
		http.StatusInternalServerError: apierrors.IsInternalError,
		http.StatusServiceUnavailable:  apierrors.IsServiceUnavailable,
		http.StatusGatewayTimeout:      apierrors.IsTimeout,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			r := newRig(t, protobuf)
			r.proxy.Set(proxy.Faults{Answers: []proxy.Answer{{Status: status, Method: http.MethodDelete}}})
			r.create("one")
			_, err := r.through.Get(t.Context(), "one", metav1.GetOptions{})
			r.Expect(err).NotTo(HaveOccurred())
			err = r.through.Delete(t.Context(), "one", metav1.DeleteOptions{})
			r.Expect(is(err)).To(BeTrue(), "%v", err)
			r.Expect(r.proxy.Writes()).To(BeEmpty(), "the call has reached the API server")
		})
	}
}

func TestCallsAreSlow(t *testing.T) {
	r := newRig(t, protobuf)
	r.proxy.Set(proxy.Faults{Slow: 300 * time.Millisecond})
	began := time.Now()
	_, err := r.through.List(t.Context(), metav1.ListOptions{})
	r.Expect(err).NotTo(HaveOccurred())
	r.Expect(time.Since(began)).To(BeNumerically(">=", 300*time.Millisecond))
}

func TestWritesAreCounted(t *testing.T) {
	r := newRig(t, protobuf)
	r.create("one")
	_, err := r.through.List(t.Context(), metav1.ListOptions{})
	r.Expect(err).NotTo(HaveOccurred())
	r.Expect(r.through.Delete(t.Context(), "one", metav1.DeleteOptions{})).To(Succeed())
	r.Expect(r.through.Delete(t.Context(), "one", metav1.DeleteOptions{})).NotTo(Succeed())
	writes := r.proxy.Writes("configmaps")
	r.Expect(writes).To(HaveLen(2))
	r.Expect(writes[0]).To(HaveField("Name", "one"))
	r.Expect(writes).To(HaveExactElements(HaveField("Status", http.StatusOK), HaveField("Status", http.StatusNotFound)))
	r.Expect(r.proxy.Writes("secrets")).To(BeEmpty())
}

func TestItsKubeconfigLeadsThroughIt(t *testing.T) {
	r := newRig(t, protobuf)
	path := t.TempDir() + "/kubeconfig"
	r.Expect(r.proxy.WriteKubeconfig(path)).To(Succeed())
	config, err := clientcmd.BuildConfigFromFlags("", path)
	r.Expect(err).NotTo(HaveOccurred())
	r.Expect(config.Host).To(Equal(r.proxy.Config().Host))
}

func TestPagesOfMetadataAreCounted(t *testing.T) {
	r := newRig(t, protobuf)
	r.create("a", "b", "c")
	client := metadata.NewForConfigOrDie(metadata.ConfigFor(r.proxy.Config()))
	resource := client.Resource(corev1.SchemeGroupVersion.WithResource("configmaps")).Namespace(r.namespace)
	page, err := resource.List(t.Context(), metav1.ListOptions{Limit: 2})
	r.Expect(err).NotTo(HaveOccurred())
	_, err = resource.List(t.Context(), metav1.ListOptions{Limit: 2, Continue: page.Continue})
	r.Expect(err).NotTo(HaveOccurred())
	_, err = r.through.List(t.Context(), metav1.ListOptions{})
	r.Expect(err).NotTo(HaveOccurred())
	r.Expect(r.proxy.Swept("configmaps")).To(Equal(proxy.Pages{First: 1, Further: 1}))
}
