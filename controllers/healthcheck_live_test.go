package controllers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// A live read is for a cache that is late, and for a conflict; either may come while the API server hangs.
func TestALiveReadThatHangsGivesItsWorkerBack(t *testing.T) {
	for name, act := range map[string]func(context.Context, *scene) error{
		"where the cache is late": func(ctx context.Context, s *scene) error {
			s.remembered().written = "1000000"
			s.clock.SetTime(s.clock.Now().Add(retrySoon))
			_, err := s.read(ctx, reconcile.Request{NamespacedName: s.key})
			return err
		},
		"after a conflict": func(ctx context.Context, s *scene) error {
			_, err := s.writeOnto(ctx, s.shown(), s.remembered(), judgement{}, errors.New("it has changed"))
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
				if took := time.Since(began); took > maxObservationAge {
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
