package sweep

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	testingclock "k8s.io/utils/clock/testing"
)

// source is an API server that has these objects, and whose watches deliver nothing.
type source struct {
	*corev1.ConfigMapList
	fails, answersNoWatch bool
}

func (s *source) ListWithContext(context.Context, metav1.ListOptions) (runtime.Object, error) {
	if s.fails {
		return nil, errors.New("the API server is busy")
	}
	return s.ConfigMapList, nil
}

func (s *source) WatchWithContext(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
	if s.answersNoWatch {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return watch.NewFake(), nil
}

func (s *source) List(options metav1.ListOptions) (runtime.Object, error) {
	return s.ListWithContext(context.Background(), options)
}

func (s *source) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return s.WatchWithContext(context.Background(), options)
}

var _ toolscache.ListerWatcherWithContext = &source{}

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

// The API server is at version 100 after a restore from a backup: what is gone is newer than all that there is.
func TestWhatAnExpiredWatchTellsTheReflector(t *testing.T) {
	repaired := []string{"MODIFIED changed 90", "ADDED new 95", "DELETED phantom 900", "BOOKMARK  100"}
	for name, test := range map[string]struct {
		source source
		asks   metav1.ListOptions
		want   []string
	}{
		"what it has lost":                     {want: repaired},
		"also where it was never answered":     {source: source{answersNoWatch: true}, want: repaired},
		"to relist, where no list can be had":  {source: source{fails: true}, want: []string{"ERROR Expired"}},
		"to list, where it begins with all":    {asks: metav1.ListOptions{SendInitialEvents: new(true)}, want: []string{"ERROR Timeout"}},
		"to list, where that was not answered": {source: source{answersNoWatch: true}, asks: metav1.ListOptions{SendInitialEvents: new(true)}, want: []string{"ERROR Timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.source.ConfigMapList = &corev1.ConfigMapList{
				ListMeta: metav1.ListMeta{ResourceVersion: "100"},
				Items:    []corev1.ConfigMap{*configMapOf("kept", "80"), *configMapOf("changed", "90"), *configMapOf("new", "95")},
			}
			lw := newListerWatcher(&test.source, &corev1.ConfigMap{}, testingclock.NewFakePassiveClock(time.Now()))
			lw.cached = func() []runtime.Object {
				return []runtime.Object{configMapOf("kept", "80"), configMapOf("changed", "70"), configMapOf("phantom", "900")}
			}
			go func() {
				for !lw.expire(lw.current()) {
					goruntime.Gosched() // until the watch is there
				}
			}()
			w, err := lw.WatchWithContext(t.Context(), test.asks)
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for event := range w.ResultChan() {
				told = append(told, tell(event))
			}
			if !slices.Equal(told, test.want) {
				t.Errorf("told %q, want %q", told, test.want)
			}
		})
	}
}

func tell(event watch.Event) string {
	switch object := event.Object.(type) {
	case *corev1.ConfigMap:
		return fmt.Sprintf("%s %s %s", event.Type, object.Name, object.ResourceVersion)
	case *metav1.Status:
		return fmt.Sprintf("%s %s", event.Type, object.Reason)
	default:
		return fmt.Sprintf("%T", object)
	}
}

// Beginning a slow relist again would only make it slower.
func TestARelistIsLeftInPeaceWhileItDelivers(t *testing.T) {
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
