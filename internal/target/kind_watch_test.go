package target

import (
	"errors"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

func TestWhatAnAnswerSaysOfAKind(t *testing.T) {
	widgets := schema.GroupResource{Group: "test.example", Resource: "widgets"}
	for status, want := range map[int]error{
		http.StatusNotFound:            errNotInstalled,
		http.StatusForbidden:           errForbidden,
		http.StatusMethodNotAllowed:    errUnsupported,
		http.StatusUnauthorized:        nil,
		http.StatusInternalServerError: nil,
		http.StatusTooManyRequests:     nil,
	} {
		err := classified(apierrors.NewGenericServerResponse(status, "list", widgets, "", "", 0, false))
		if want == nil && lasting(err) || want != nil && !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
	}
}

// A 403 is what an API server answers that has only just begun and knows no roles yet.
func TestABanOfAKindThatWasReadHasToBeToldTwice(t *testing.T) {
	broken := errors.New("500")
	for name, c := range map[string]struct {
		told   []error // of watches
		shown  error
		renews bool
	}{
		"once":                            {told: []error{errForbidden}},
		"once, and then it can be read":   {told: []error{errForbidden, nil, errForbidden}},
		"once, and then it is out of use": {told: []error{errForbidden, broken, errForbidden}},
		"twice":                           {told: []error{errForbidden, errForbidden}, shown: errForbidden, renews: true},
		"twice, and then it can be read":  {told: []error{errForbidden, errForbidden, nil}, renews: true},
		"never":                           {told: []error{broken, broken, broken}},
	} {
		t.Run(name, func(t *testing.T) {
			watches, err := NewWatches(WatchesOptions{Config: &rest.Config{}})
			if err != nil {
				t.Fatal(err)
			}
			watches.locked.notify = func(Event) {}
			renewed := false
			from := &source{synced: true, renew: func() { renewed = true }}
			kind := newKindWatch(watches, schema.GroupVersionKind{Kind: "Widget"})
			for _, err := range c.told {
				kind.told(from, watchesKind, err)
			}
			if !errors.Is(from.err[watchesKind], c.shown) || renewed != c.renews || from.synced == c.renews {
				t.Errorf("shown: %v, renewed: %t, synced: %t", from.err[watchesKind], renewed, from.synced)
			}
		})
	}
}
