package sweep

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	testingclock "k8s.io/utils/clock/testing"
)

// source is what an API server would be. It notes which versions it is asked for.
type source struct {
	fails   bool
	asked   []string
	watches chan *watch.FakeWatcher
}

func newSource() *source { return &source{watches: make(chan *watch.FakeWatcher, 10)} }

func (s *source) ListWithContext(_ context.Context, options metav1.ListOptions) (runtime.Object, error) {
	s.asked = append(s.asked, options.ResourceVersion)
	if s.fails {
		return nil, errors.New("the API server is busy")
	}
	return &corev1.ConfigMapList{}, nil
}

func (s *source) WatchWithContext(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	s.asked = append(s.asked, options.ResourceVersion)
	w := watch.NewFakeWithChanSize(10, false)
	s.watches <- w
	return w, nil
}

func (s *source) List(options metav1.ListOptions) (runtime.Object, error) {
	return s.ListWithContext(context.Background(), options)
}

func (s *source) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return s.WatchWithContext(context.Background(), options)
}

func (s *source) lastAsked() string { return s.asked[len(s.asked)-1] }

var _ toolscache.ListerWatcherWithContext = &source{}

func newTestListerWatcher(inner *source) *listerWatcher {
	lw := newListerWatcher(inner, testingclock.NewFakePassiveClock(time.Now()))
	lw.cached = func() []runtime.Object { return nil }
	return lw
}

func configMapOf(name, resourceVersion string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name, ResourceVersion: resourceVersion,
	}}
}

func endOfInitialEvents(resourceVersion string) *corev1.ConfigMap {
	bookmark := configMapOf("", resourceVersion)
	bookmark.Annotations = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
	return bookmark
}

// expireAny expires a plain watch, and takes what the reflector is told.
func expireAny(t *testing.T, lw *listerWatcher, inner *source) {
	t.Helper()
	w, err := lw.Watch(metav1.ListOptions{ResourceVersion: "5"})
	if err != nil {
		t.Fatal(err)
	}
	if !lw.expire(lw.current()) {
		t.Fatal("the watch was not expired")
	}
	if event := <-w.ResultChan(); event.Type != watch.Error {
		t.Fatalf("after the expiry came %v, want an error", event)
	}
	w.Stop()
	<-inner.watches
}

func TestAListThatFailsLeavesTheNextOneFresh(t *testing.T) {
	inner := newSource()
	lw := newTestListerWatcher(inner)
	expireAny(t, lw, inner)
	for _, step := range []struct {
		fails bool
		want  string
	}{{true, ""}, {true, ""}, {false, ""}, {false, "5"}} {
		inner.fails = step.fails
		_, err := lw.List(metav1.ListOptions{ResourceVersion: "5"})
		if (err != nil) != step.fails || inner.lastAsked() != step.want {
			t.Errorf("a list has asked for version %q (%v), want %q", inner.lastAsked(), err, step.want)
		}
	}
}

func TestARelistByWatchThatBreaksOffLeavesTheNextOneFresh(t *testing.T) {
	inner := newSource()
	lw := newTestListerWatcher(inner)
	expireAny(t, lw, inner)
	relist := func() (watch.Interface, *watch.FakeWatcher) {
		w, err := lw.Watch(metav1.ListOptions{ResourceVersion: "5", SendInitialEvents: new(true)})
		if err != nil {
			t.Fatal(err)
		}
		return w, <-inner.watches
	}
	broken, from := relist()
	from.Add(configMapOf("a", "3"))
	<-broken.ResultChan()
	from.Stop()
	if event, open := <-broken.ResultChan(); open {
		t.Fatalf("after the end came %v", event)
	}
	whole, from := relist()
	if inner.lastAsked() != "" {
		t.Errorf("the relist after one that broke off has asked for version %q, want the newest", inner.lastAsked())
	}
	from.Action(watch.Bookmark, endOfInitialEvents("6"))
	from.Add(configMapOf("a", "7"))
	<-whole.ResultChan()
	<-whole.ResultChan() // so that the end of the relist has been noted
	whole.Stop()
	third, _ := relist()
	third.Stop()
	if inner.lastAsked() != "5" {
		t.Errorf("the relist after one that succeeded has asked for version %q, want 5", inner.lastAsked())
	}
}

// After a restore from a backup, what is gone is newer than all that there is.
func TestARenewalDeletesWhatIsGoneThoughItIsNewerThanTheList(t *testing.T) {
	inner := newSource()
	lw := newTestListerWatcher(inner)
	lw.cached = func() []runtime.Object {
		return []runtime.Object{configMapOf("phantom", "900"), configMapOf("kept", "3")}
	}
	lw.relistsByWatch(true)
	w, err := lw.Watch(metav1.ListOptions{ResourceVersion: "900"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	<-inner.watches
	if !lw.expire(lw.current()) {
		t.Fatal("the watch was not expired")
	}
	from := <-inner.watches
	from.Add(configMapOf("kept", "3"))
	from.Action(watch.Bookmark, endOfInitialEvents("100"))
	for _, want := range []struct {
		event watch.EventType
		name  string
	}{{watch.Added, "kept"}, {watch.Deleted, "phantom"}, {watch.Bookmark, ""}} {
		event := <-w.ResultChan()
		if got := event.Object.(*corev1.ConfigMap).Name; event.Type != want.event || got != want.name {
			t.Errorf("got %s of %q, want %s of %q", event.Type, got, want.event, want.name)
		}
	}
}

// A relist that is merely slow would only be slower for being begun anew.
func TestARelistIsLeftInPeaceForAWholeInterval(t *testing.T) {
	clock := testingclock.NewFakePassiveClock(time.Now())
	c := newConnection(true, &evidence{clock: clock})
	after := func(d time.Duration, want bool, when string) {
		t.Helper()
		clock.SetTime(clock.Now().Add(d))
		if got := c.stalledFor(time.Minute); got != want {
			t.Errorf("%s: stalled is %v, want %v", when, got, want)
		}
	}
	after(59*time.Second, false, "59s after it began")
	c.note(watch.Event{Type: watch.Added, Object: configMapOf("a", "1")})
	after(59*time.Second, false, "59s after an event")
	after(time.Second, true, "a minute after an event")
	c.note(watch.Event{Type: watch.Bookmark, Object: endOfInitialEvents("2")})
	after(time.Hour, false, "once it is an ordinary watch")
}
