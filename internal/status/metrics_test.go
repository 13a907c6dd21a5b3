package status

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestAWriteIsCountedByWhatBecameOfIt(t *testing.T) {
	resource := v1alpha1.GroupVersion.WithResource("aliaschecks").GroupResource()
	request := func(err error) error { return &url.Error{Op: "Patch", URL: "https://10.0.0.1/apis", Err: err} }
	for _, row := range []struct {
		became string
		err    error
		result string
	}{
		{"written", nil, "ok"},
		{"somebody wrote before", apierrors.NewConflict(resource, "shop", errors.New("modified")), "conflict"},
		{"deleted meanwhile", apierrors.NewNotFound(resource, "shop"), "conflict"},
		{"the manager stops", request(context.Canceled), "canceled"},
		{"the manager stops while it waits", fmt.Errorf("waiting: %w", context.Canceled), "canceled"},
		{"no answer in time", request(context.DeadlineExceeded), "error"},
		{"refused", apierrors.NewForbidden(resource, "shop", errors.New("no right")), "error"},
		{"the API server fails", apierrors.NewInternalError(errors.New("etcd")), "error"},
	} {
		t.Run(row.became, func(t *testing.T) {
			counter := statusWrites.WithLabelValues("AliasCheck", row.result)
			before := testutil.ToFloat64(counter)
			CountWrite(&v1alpha1.AliasCheck{}, row.err)
			if got := testutil.ToFloat64(counter) - before; got != 1 {
				t.Errorf("%q has grown by %v, want 1", row.result, got)
			}
		})
	}
}

// An alert on a counter sees the first increase only if the counter was there before it.
func TestEveryResultOfAWriteIsThereFromTheStart(t *testing.T) {
	if got := testutil.CollectAndCount(statusWrites); got != 3*4 {
		t.Errorf("there are %d series, want one for each of 3 kinds and 4 results", got)
	}
}
