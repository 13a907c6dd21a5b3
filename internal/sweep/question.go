package sweep

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// question is what an informer asks the API server: which resource, where, and which of its objects. A sweep
// that asked anything else, say without the informer's label selector, would find gaps that do not exist.
type question struct {
	resource                     schema.GroupVersionResource
	namespace                    string
	labelSelector, fieldSelector string
}

func (q question) listOptions() metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: q.labelSelector, FieldSelector: q.fieldSelector}
}

// questionIn reads the question from the URL of a list or watch request. The prefix is that of the API
// server's own URL, which is not always the root.
func questionIn(address *url.URL, prefix string) (question, error) {
	q := question{
		labelSelector: address.Query().Get("labelSelector"),
		fieldSelector: address.Query().Get("fieldSelector"),
	}
	path := strings.Trim(strings.TrimPrefix(address.Path, strings.TrimSuffix(prefix, "/")), "/")
	segments := strings.Split(path, "/")
	switch {
	case segments[0] == "api" && len(segments) > 2:
		q.resource.Version, segments = segments[1], segments[2:]
	case segments[0] == "apis" && len(segments) > 3:
		q.resource.Group, q.resource.Version, segments = segments[1], segments[2], segments[3:]
	default:
		return question{}, fmt.Errorf("%s is not the path of a list or watch", address.Path)
	}
	if len(segments) == 3 && segments[0] == "namespaces" {
		q.namespace, segments = segments[1], segments[2:]
	}
	if len(segments) != 1 {
		return question{}, fmt.Errorf("%s is not the path of a list or watch", address.Path)
	}
	q.resource.Resource = segments[0]
	return q, nil
}

// asked is where the transport leaves the URL that an informer's request went to. The informer itself does
// not know it: controller-runtime hides namespace and selectors inside the ListerWatcher.
type asked struct {
	mu     sync.Mutex
	locked struct { // guarded by mu
		address *url.URL
	}
}

func (a *asked) set(address *url.URL) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.address = address
}

// get is nil before the first request.
func (a *asked) get() *url.URL {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.address
}

type askedKey struct{}

func withAsked(ctx context.Context, a *asked) context.Context {
	return context.WithValue(ctx, askedKey{}, a)
}

// recordQuestions is a rest.Config's WrapTransport.
func recordQuestions(next http.RoundTripper) http.RoundTripper {
	return questionRecorder{next}
}

type questionRecorder struct{ next http.RoundTripper }

func (r questionRecorder) RoundTrip(request *http.Request) (*http.Response, error) {
	if a, ok := request.Context().Value(askedKey{}).(*asked); ok {
		a.set(request.URL)
	}
	return r.next.RoundTrip(request)
}

// WrappedRoundTripper lets client-go reach the transport within, to close idle connections.
func (r questionRecorder) WrappedRoundTripper() http.RoundTripper { return r.next }
