package live

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// counted is an API server whose objects have a text of so many bytes.
type counted struct {
	client.WithWatch
	bytes, reads int
	err          error
	hangs        chan struct{}
}

func (c *counted) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	c.reads++
	if c.hangs != nil {
		<-c.hangs
	}
	object.SetName(key.Name)
	object.SetAnnotations(map[string]string{"text": strings.Repeat("x", c.bytes)})
	return c.err
}

func (c *counted) List(context.Context, client.ObjectList, ...client.ListOption) error {
	c.reads++
	return nil
}

func read1(t *testing.T, r *Reader, namespace, name string) error {
	t.Helper()
	lease := &coordinationv1.Lease{}
	err := r.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, lease)
	if err == nil && lease.Name != name {
		t.Errorf("the Lease that was read is %q, want %q", lease.Name, name)
	}
	return err
}

func TestAReadIsSharedHoweverManyNeedIt(t *testing.T) {
	if sharedFor >= time.Second/2+1 {
		t.Errorf("shared for %s: a check that looks each second would see what it saw a second before", sharedFor)
	}
	synctest.Test(t, func(t *testing.T) {
		server := &counted{}
		r := NewReader(server, clock.RealClock{})
		for range 60 {
			if err := read1(t, r, "shop", "worker"); err != nil {
				t.Fatal(err)
			}
		}
		if server.reads != 1 {
			t.Errorf("60 checks have read it %d times", server.reads)
		}
		_ = r.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "worker"}, &corev1.Secret{})
		_ = read1(t, r, "other", "worker")
		if server.reads != 3 {
			t.Errorf("another kind and another namespace make it %d reads, want 3", server.reads)
		}
		time.Sleep(sharedFor) //nolint:forbidigo // of the clock of the bubble
		synctest.Wait()
		_ = read1(t, r, "shop", "worker")
		if server.reads != 4 || len(r.locked.reads) != 1 {
			t.Errorf("a while later there are %d reads, want 4, and %d are remembered", server.reads, len(r.locked.reads))
		}
	})
}

func TestWhoeverWaitsForAReadOfOthersEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{hangs: make(chan struct{})}
		r := NewReader(server, clock.RealClock{})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := r.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "worker"}, &coordinationv1.Lease{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		close(server.hangs)
		if err := read1(t, r, "shop", "worker"); err != nil || server.reads != 1 {
			t.Errorf("who waits longer has %v after %d reads", err, server.reads)
		}
	})
}

func TestANamespaceThatHasReadItsShareReadsNothingAndOthersDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{bytes: 1 << 20}
		r := NewReader(server, clock.RealClock{})
		const least = bytesAtOnce >> 20
		var err error
		for i := 0; err == nil && i < 2*least; i++ {
			err = read1(t, r, "noisy", strings.Repeat("x", i+1))
		}
		if !errors.Is(err, ErrOverShare) || server.reads < least || server.reads > least+1 {
			t.Errorf("after %d MiB the error is %v", server.reads, err)
		}
		if err := r.List(t.Context(), &corev1.SecretList{}, client.InNamespace("noisy")); !errors.Is(err, ErrOverShare) {
			t.Errorf("a list has %v", err)
		}
		if err := read1(t, r, "quiet", "worker"); err != nil {
			t.Errorf("another namespace has %v", err)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // of the clock of the bubble
		if err := read1(t, r, "noisy", "worker"); err != nil {
			t.Errorf("two seconds later it has %v", err)
		}
	})
}

func TestAnErrorOfTheAPIIsThatOfEverybodyWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		r := NewReader(&counted{err: gone}, clock.RealClock{})
		for range 2 {
			if err := read1(t, r, "shop", "worker"); !errors.Is(err, gone) {
				t.Errorf("the error is %v", err)
			}
		}
	})
}
