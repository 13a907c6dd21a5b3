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

// catalogue is the discovery of an API server that has one kind, which cannot be watched: to find it is all that is done.
type catalogue struct {
	discovery.ServerResourcesInterfaceWithContext
	has schema.GroupVersionKind

	mu    sync.Mutex
	asked int // guarded by mu
}

func (c *catalogue) ServerResourcesForGroupVersionWithContext(
	_ context.Context, version string,
) (*metav1.APIResourceList, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if version == c.has.GroupVersion().String() {
		return &metav1.APIResourceList{APIResources: []metav1.APIResource{{Kind: c.has.Kind}}}, nil
	}
	return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, false)
}

func (c *catalogue) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// However many kinds are made up, what the API server is asked is bounded, a few are always asked for, and no other kind
// waits for any (I9).
func TestI9MadeUpKindsKeepNeitherTheAPIServerNorAnotherKind(t *testing.T) {
	const minutes = 10
	for kinds, asked := range map[int]struct{ least, most int }{
		repeatsBurst: {repeatsBurst * (3*minutes - 1), repeatsBurst * 3 * minutes},
		2000:         {repeatsPerSecond * 60 * (minutes - 1), repeatsPerSecond*60*minutes + repeatsBurst},
	} {
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				watches, err := NewWatches(WatchesOptions{Config: &rest.Config{}})
				if err != nil {
					t.Fatal(err)
				}
				c := &catalogue{has: schema.GroupVersionKind{Group: "shop.example", Version: "v1", Kind: "Widget"}}
				watches.discovery = c
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				watches.Run(ctx, func(Event) {})
				need := func(kind schema.GroupVersionKind) *kindWatch {
					return watches.lease(types.NamespacedName{Name: kind.String()}).need(kind)
				}
				for i := range kinds {
					need(schema.GroupVersionKind{Group: fmt.Sprintf("made-up-%d.example", i), Version: "v1", Kind: "Kind"})
				}
				synctest.Wait()
				first := c.count()
				<-time.After(minutes * time.Minute)
				synctest.Wait() // all that may be asked now have been
				if again := c.count() - first; again < asked.least || again > asked.most {
					t.Errorf("%d repeats, want %d to %d", again, asked.least, asked.most)
				}
				another := need(c.has)
				synctest.Wait()
				if _, _, err := another.ready("shop"); !errors.Is(err, errUnsupported) {
					t.Errorf("another kind: %v", err)
				}
			})
		})
	}
}
