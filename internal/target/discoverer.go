package target

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/util/flowcontrol"
)

const (
	// discoveryTimeout bounds the question which kinds a group-version has.
	discoveryTimeout = 30 * time.Second
	// discoveredNow is how old an answer may be for a kind that was not absent when last asked for, if ever: its CRD may
	// have been installed this moment. It is long enough for one question to serve all kinds that are begun together.
	discoveredNow = time.Second
	// repeatsPerSecond and repeatsBurst bound how often the API server is asked again for what was absent: who may write
	// aliases may make up any number of group-versions. With as many as the burst none has ever to wait for its turn.
	repeatsPerSecond = 5
	repeatsBurst     = 50
)

// discoverer asks the API server which kinds there are. Its answer is that of a group-version, and serves all kinds of
// it for a while: a thousand kinds that are absent from one are one question.
type discoverer struct {
	client discovery.ServerResourcesInterfaceWithContext
	// retry is how old an answer may be for a kind that was absent when last asked for.
	retry   time.Duration
	repeats flowcontrol.PassiveRateLimiter

	mu     sync.Mutex
	locked struct { // guarded by mu
		answers map[string]*answer // by group-version, for as long as they are of use
	}
}

// answer is what a group-version has. It may be read once told is closed.
type answer struct {
	askedAt   time.Time
	told      chan struct{}
	resources []metav1.APIResource
	err       error
}

func newDiscoverer(client discovery.ServerResourcesInterfaceWithContext, retry time.Duration) *discoverer {
	d := &discoverer{client: client, retry: retry}
	d.repeats = flowcontrol.NewTokenBucketPassiveRateLimiter(repeatsPerSecond, repeatsBurst)
	d.locked.answers = map[string]*answer{}
	return d
}

// resources are what a group-version has. Absent says that what is asked for was not there the last time, so that an
// answer to others will do, and there may be none for now: errPostponed.
func (d *discoverer) resources(ctx context.Context, version string, absent bool) ([]metav1.APIResource, error) {
	a := d.answer(ctx, version, absent)
	if a == nil {
		return nil, errPostponed
	}
	select {
	case <-a.told:
		return a.resources, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer is one that will do, which may still be on its way; nil if there is none.
func (d *discoverer) answer(ctx context.Context, version string, absent bool) *answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := discoveredNow
	if absent {
		fresh = d.retry
	}
	if last, found := d.locked.answers[version]; found && time.Since(last.askedAt) < fresh {
		return last
	}
	if absent && !d.repeats.TryAccept() {
		return nil
	}
	a := &answer{askedAt: time.Now(), told: make(chan struct{})}
	d.locked.answers[version] = a
	go d.ask(context.WithoutCancel(ctx), version, a)
	return a
}

// ask outlives the alias that it was begun for, since others may wait for the answer.
func (d *discoverer) ask(ctx context.Context, version string, a *answer) {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	list, err := d.client.ServerResourcesForGroupVersionWithContext(ctx, version)
	if err != nil {
		a.err = classified(err)
	} else {
		a.resources = list.APIResources
	}
	close(a.told)
	time.AfterFunc(d.retry, func() { d.forget(version, a) })
}

// forget drops an answer, unless a newer one has taken its place.
func (d *discoverer) forget(version string, a *answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked.answers[version] == a {
		delete(d.locked.answers, version)
	}
}
