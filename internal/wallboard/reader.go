package wallboard

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// askAgain is how often it is asked whether Pods may be listed.
const askAgain = time.Minute

// reader reads the cache. It refuses Pods at once where the user may not list them: the cache would wait for them until the end
// of each reading, and the page would be late by that.
type reader struct {
	client.Reader

	mu     sync.Mutex
	locked struct { // guarded by mu
		asked   time.Time
		refused error
	}
}

func (r *reader) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if _, pods := list.(*corev1.PodList); pods {
		if err := r.refusal(); err != nil {
			return err
		}
	}
	return r.Reader.List(ctx, list, options...)
}

func (r *reader) refusal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.locked.refused
}

// askForPods asks the API server whether Pods may be listed, now and then.
func (r *reader) askForPods(ctx context.Context, live client.Reader, namespace string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.locked.asked) < askAgain {
		return
	}
	err := live.List(ctx, &corev1.PodList{}, client.InNamespace(namespace), client.Limit(1))
	if err != nil && !apierrors.IsForbidden(err) {
		return // it does not say
	}
	r.locked.asked, r.locked.refused = now, err
}
