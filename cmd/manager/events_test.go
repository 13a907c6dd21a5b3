package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// apiServer is a client whose API server answers the creation of an Event as told, when it is told to.
func apiServer(answer func() error) *fake.Clientset {
	client := fake.NewClientset()
	client.PrependReactor("create", "events", func(k8stesting.Action) (bool, runtime.Object, error) {
		err := answer()
		return err != nil, nil, err
	})
	return client
}

func alias(name string) *v1alpha1.AliasCheck {
	return &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: "5f2c"}}
}

func record(w *eventWriter, regarding, related runtime.Object) {
	w.Eventf(regarding, related, corev1.EventTypeWarning, "StateChanged", "PassingToCritical", "%s", "down")
}

func eventsIn(t *testing.T, client *fake.Clientset) []eventsv1.Event {
	list, err := client.EventsV1().Events("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// countingDrops is an eventWriter with a counter of its own.
func countingDrops(client *fake.Clientset) *eventWriter {
	w := newEventWriter(client.EventsV1(), scheme())
	w.dropped = prometheus.NewCounter(prometheus.CounterOpts{Name: "dropped"})
	return w
}

func TestAnEventSaysWhatHappenedToWhomAndBecauseOfWhom(t *testing.T) {
	g := NewWithT(t)
	client := apiServer(func() error { return nil })
	w := countingDrops(client)
	w.start(t.Context())
	long := strings.Repeat("a", 253)
	record(w, alias(long), &corev1.ObjectReference{Kind: "HealthCheck", Namespace: "shop", Name: "web"})
	g.Eventually(func() []eventsv1.Event { return eventsIn(t, client) }).Should(HaveLen(1))
	event := eventsIn(t, client)[0]
	g.Expect(event.Regarding).To(And(HaveField("Kind", "AliasCheck"), HaveField("Name", long)))
	g.Expect(event.Related).To(HaveField("Name", "web"))
	g.Expect([]string{event.Type, event.Reason, event.Action, event.Note, event.Namespace}).
		To(Equal([]string{"Warning", "StateChanged", "PassingToCritical", "down", "shop"}))
	g.Expect(len(event.Name)).To(BeNumerically("<=", 253), "a name that the API server takes")
}

func TestEventsThatAreTooManyAreDroppedAndCounted(t *testing.T) {
	g := NewWithT(t)
	release, asked := make(chan struct{}), make(chan struct{}, maxWaitingEvents+maxConcurrentEvents)
	w := countingDrops(apiServer(func() error { asked <- struct{}{}; <-release; return nil }))
	w.start(t.Context())
	defer close(release)
	record(w, alias("a"), nil)
	<-asked // the fake client writes one at a time
	for range maxWaitingEvents + maxConcurrentEvents + 5 {
		record(w, alias("a"), nil)
	}
	g.Expect(testutil.ToFloat64(w.dropped)).To(BeNumerically(">=", 5))
	g.Expect(w.waiting.len()).To(Equal(maxWaitingEvents))
}

func TestAnEventIsTriedAgainUntilItIsTakenOrRefused(t *testing.T) {
	busy := apierrors.NewServiceUnavailable("busy")
	forbidden := apierrors.NewGenericServerResponse(http.StatusForbidden, "create", eventsv1.Resource("events"), "", "", 0, false)
	for name, test := range map[string]struct {
		answers []error
		dropped float64
	}{
		"taken at once":                     {[]error{nil}, 0},
		"taken the second time":             {[]error{busy, nil}, 0},
		"refused":                           {[]error{forbidden}, 1},
		"taken before, but the answer lost": {[]error{busy, apierrors.NewAlreadyExists(eventsv1.Resource("events"), "a")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			asked := 0
			w := countingDrops(apiServer(func() error { asked++; return test.answers[asked-1] }))
			event, err := w.event(alias("a"), nil)
			g.Expect(err).NotTo(HaveOccurred())
			began := time.Now()
			w.write(t.Context(), event)
			g.Expect(asked).To(Equal(len(test.answers)))
			g.Expect(testutil.ToFloat64(w.dropped)).To(Equal(test.dropped))
			g.Expect(time.Since(began)).To(BeNumerically("<", eventPatience))
		})
	}
}

// While aliases follow one check, each tells of itself every few milliseconds.
func TestEventsComeAfterTheCrowdThatFollows(t *testing.T) {
	for name, test := range map[string]struct {
		// crowd is for how long there is a new Event every 20 ms.
		crowd time.Duration
		ends  bool // the manager is asked to end after the first
		first time.Duration
	}{
		"one that is alone":                  {0, false, eventLull},
		"a crowd":                            {400 * time.Millisecond, false, 400*time.Millisecond + eventLull},
		"a crowd that takes long":            {3 * time.Second, false, maxEventDelay},
		"a crowd, but the manager is to end": {400 * time.Millisecond, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := NewWithT(t)
				began, written := time.Now(), make(chan time.Duration, 1000)
				w := countingDrops(apiServer(func() error { written <- time.Since(began); return nil }))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w.start(ctx)
				for record(w, alias("a"), nil); time.Since(began) < test.crowd; record(w, alias("a"), nil) {
					if test.ends {
						cancel()
					}
					<-time.After(20 * time.Millisecond) // of the bubble's time
				}
				w.waiting.close()
				g.Expect(<-written).To(Equal(test.first))
			})
		})
	}
}
