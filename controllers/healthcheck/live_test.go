package healthcheck

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/internal/status"

	"github.com/aliascheck/aliascheck/internal/health"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// A live read is for a cache that is late, and for a conflict; either may come while the API server hangs.
func TestALiveReadThatHangsGivesItsWorkerBack(t *testing.T) {
	for name, act := range map[string]func(context.Context, *scene) error{
		"where the cache is late": func(ctx context.Context, s *scene) error {
			s.remembered().written = "1000000"
			s.clock.SetTime(s.clock.Now().Add(status.RetrySoon))
			_, err := s.read(ctx, reconcile.Request{NamespacedName: s.key})
			return err
		},
		"after a conflict": func(ctx context.Context, s *scene) error {
			_, err := s.writeOnto(ctx, s.shown(), s.remembered(), health.Judgement{}, errors.New("it has changed"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				s.Live = hangingReader{s.api}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				began := time.Now()
				if err := act(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error is %v, want %v", err, context.DeadlineExceeded)
				}
				if took := time.Since(began); took > status.MaxObservationAge {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// hangingReader is an API server that takes a request and never answers.
type hangingReader struct{ client.Reader }

func (hangingReader) Get(ctx context.Context, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	<-ctx.Done()
	return ctx.Err()
}

// Another's write is seen live; what was seen then is what there is once that fails too.
func TestACheckThatWasReadLiveGoesOnToBeProbedWhenThatFails(t *testing.T) {
	s := newScene(t)
	cached, reads := &lateReader{Reader: s.api}, &failingReader{Reader: s.api}
	s.Client, s.Live = cached, reads
	s.Own = status.NewOwnWrites[*v1alpha1.HealthCheck](status.HealthCheckKind, s.clock, s.Resync,
		func(schema.GroupVersionKind, string) time.Time { return s.clock.Now() })
	cached.shows.Store(s.shown())
	s.prober.probes(failedJob("a"), failedJob("b"), failedJob("c"), failedJob("d"), failedJob("e"))
	for range 3 {
		s.reconcileWhenDue()
	}
	s.expectState(v1alpha1.StateCritical)
	check := s.shown()
	check.Labels = map[string]string{"team": "shop"}
	if err := s.api.Update(t.Context(), check); err != nil {
		t.Fatal(err)
	}
	s.reconcileWhenDue() // live, and there is nothing to write

	reads.fails.Store(true)
	s.reconcileWhenDue()
	s.prober.expectBegun(5)
}

// failingReader is an API server that, while it fails, answers every read with 503.
type failingReader struct {
	client.Reader
	fails atomic.Bool
}

func (f *failingReader) Get(
	ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption,
) error {
	if f.fails.Load() {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusServiceUnavailable,
			Reason: metav1.StatusReasonServiceUnavailable, Message: "apiserver not ready"}}
	}
	return f.Reader.Get(ctx, key, object, options...)
}
