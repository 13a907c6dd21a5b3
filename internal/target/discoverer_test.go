package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// catalogue is the discovery of an API server. It remembers when it was asked, and takes its time.
type catalogue struct {
	discovery.ServerResourcesInterfaceWithContext

	mu    sync.Mutex
	asked map[string][]time.Time
	kinds map[string][]metav1.APIResource
}

const answerTakes = 50 * time.Millisecond

func (c *catalogue) ServerResourcesForGroupVersionWithContext(
	_ context.Context, version string,
) (*metav1.APIResourceList, error) {
	kinds := c.lookUp(version)
	<-time.After(answerTakes) // of the bubble's time
	if kinds == nil {
		return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, false)
	}
	return &metav1.APIResourceList{APIResources: kinds}, nil
}

func (c *catalogue) lookUp(version string) []metav1.APIResource {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[version] = append(c.asked[version], time.Now())
	return c.kinds[version]
}

// install makes a kind known that cannot be watched, so that to find it is all that is done with it.
func (c *catalogue) install(kind schema.GroupVersionKind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	version := kind.GroupVersion().String()
	c.kinds[version] = append(c.kinds[version], metav1.APIResource{Kind: kind.Kind})
}

// askedOften is how often it was asked since a time, in all.
func (c *catalogue) askedOften(since time.Time) (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.asked {
		for _, at := range times {
			if !at.Before(since) {
				count++
			}
		}
	}
	return count
}

// askedAtOnce is the most questions of one instant since a time.
func (c *catalogue) askedAtOnce(since time.Time) (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := map[time.Time]int{}
	for _, times := range c.asked {
		for _, t := range times {
			if at[t]++; !t.Before(since) {
				most = max(most, at[t])
			}
		}
	}
	return most
}

// discovering runs a test with watches that ask a catalogue, in a bubble whose minutes take no time.
func discovering(t *testing.T, test func(*testing.T, *Watches, *catalogue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		watches, err := NewWatches(WatchesOptions{Config: &rest.Config{}})
		if err != nil {
			t.Fatal(err)
		}
		c := &catalogue{asked: map[string][]time.Time{}, kinds: map[string][]metav1.APIResource{}}
		watches.discoverer.client = c
		ctx, cancel := context.WithCancel(t.Context())
		watches.Run(ctx, func(Event) {})
		defer func() {
			cancel()
			<-time.After(answerTakes) // for the questions that are under way
		}()
		test(t, watches, c)
	})
}

// aliasesOf needs kinds for as many aliases, each a pause after the one before.
func aliasesOf(w *Watches, pause time.Duration, kinds ...schema.GroupVersionKind) (watches []*kindWatch) {
	for i, kind := range kinds {
		watches = append(watches, w.lease(types.NamespacedName{Name: fmt.Sprint(i, kind)}).need(kind))
		<-time.After(pause)
	}
	return watches
}

// absentKinds are so many of each of so many group-versions.
func absentKinds(versions, each int) (kinds []schema.GroupVersionKind) {
	for version := range versions {
		for kind := range each {
			kinds = append(kinds, schema.GroupVersionKind{
				Group: fmt.Sprintf("group-%d.example", version), Version: "v1", Kind: fmt.Sprintf("Kind%d", kind),
			})
		}
	}
	return kinds
}

func (k *kindWatch) found() error {
	_, _, err := k.ready("shop")
	return err
}

func (d *discoverer) kept() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.locked.answers)
}

func TestAbsentKindsOfAGroupVersionAreOneQuestion(t *testing.T) {
	for name, pause := range map[string]time.Duration{"begun together": 0, "begun one after the other": 70 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			discovering(t, func(t *testing.T, w *Watches, c *catalogue) {
				const versions, minutes = 4, 10
				watches := aliasesOf(w, pause, absentKinds(versions, 250)...)
				begun := time.Now()
				<-time.After(minutes * time.Minute)
				for _, k := range watches {
					if err := k.found(); !errors.Is(err, errNotInstalled) {
						t.Fatalf("%s: %v", k.kind, err)
					}
				}
				if asked, most := c.askedOften(begun), versions*(minutes*3+1); asked > most {
					t.Errorf("%d questions in %d minutes, want %d at most", asked, minutes, most)
				}
			})
		})
	}
}

// The times of the kinds are all over the pause, and each may find an answer of any age.
func TestAKindIsNoticedWithinAMinuteThoughItSharesItsAnswers(t *testing.T) {
	discovering(t, func(t *testing.T, w *Watches, c *catalogue) {
		kinds := absentKinds(1, 100)
		watches := aliasesOf(w, 700*time.Millisecond, kinds...)
		for _, kind := range kinds {
			c.install(kind)
		}
		<-time.After(time.Minute)
		for _, k := range watches {
			if err := k.found(); !errors.Is(err, errUnsupported) {
				t.Errorf("%s: %v", k.kind, err)
			}
		}
	})
}

func TestAKindThatIsNeededForTheFirstTimeIsFoundThoughAnotherOfItsVersionIsAbsent(t *testing.T) {
	discovering(t, func(t *testing.T, w *Watches, c *catalogue) {
		kinds := absentKinds(1, 2)
		aliasesOf(w, 2*discoveredNow, kinds[0])
		c.install(kinds[1])
		if err := aliasesOf(w, 2*answerTakes, kinds[1])[0].found(); !errors.Is(err, errUnsupported) {
			t.Error(err)
		}
	})
}

func TestWhatWasBegunTogetherIsNotAskedForTogetherAgain(t *testing.T) {
	discovering(t, func(t *testing.T, w *Watches, c *catalogue) {
		aliasesOf(w, 0, absentKinds(repeatsBurst, 1)...)
		begun := time.Now().Add(answerTakes)
		<-time.After(10 * time.Minute)
		if most := c.askedAtOnce(begun); most > 3 {
			t.Errorf("%d group-versions are asked for at once", most)
		}
	})
}

// However many kinds are made up, what the API server is asked is bounded, and no other kind waits for it (I9).
func TestI9MadeUpKindsKeepNeitherTheAPIServerNorAnotherKind(t *testing.T) {
	discovering(t, func(t *testing.T, w *Watches, c *catalogue) {
		aliasesOf(w, 0, absentKinds(2000, 1)...)
		begun := time.Now().Add(answerTakes)
		const minutes = 10
		<-time.After(minutes * time.Minute)
		asked := c.askedOften(begun)
		if most := minutes*60*repeatsPerSecond + repeatsBurst + 1; asked > most || asked < most/2 {
			t.Errorf("%d questions in %d minutes, want %d at most, and not much less", asked, minutes, most)
		}
		if kept := w.discoverer.kept(); kept > repeatsBurst+30*repeatsPerSecond {
			t.Errorf("%d answers are kept", kept)
		}
		another := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
		c.install(another)
		if err := aliasesOf(w, 2*answerTakes, another)[0].found(); !errors.Is(err, errUnsupported) {
			t.Error(err)
		}
	})
}
