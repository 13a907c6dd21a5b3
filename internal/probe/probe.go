package probe

import (
	"context"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// Result is what one probe saw. A failed probe is a result and not an error.
type Result struct {
	Outcome health.Outcome
	// Reason is one of the reasons of a HealthCheck in api/v1alpha1.
	Reason string
	// Message says what was tried, what came back, in which phase and after which limit, without volatile
	// text (measured latencies, own ports, timestamps) and without any part of a response's body or a secret.
	Message string
	// Unread is why nothing was seen: the API server did not give what the probe needs, a Lease, a Secret or the Jobs.
	// That says nothing of the subject, and but for Job the rest is empty.
	Unread *ReadError
	// Ended is when the Job did that this is the result of, in whole seconds of the cluster's clock. It is zero for a result
	// of anything else, and of a Job that did not end.
	Ended time.Time
}

// Prober looks once at the subject of a check. The context is the only stop signal: its deadline is the
// check's timeout, and Probe returns soon after it is done, and leaves nothing running.
type Prober interface {
	Probe(ctx context.Context, check *v1alpha1.HealthCheck) Result
	// LastJob reads what the last probe of this spec has left in the cluster: a Job, if it has ended. One that still runs is
	// adopted by Probe. All other sources leave nothing.
	LastJob(ctx context.Context, check *v1alpha1.HealthCheck) Past
}

// Past is an earlier probe, of this process or another.
type Past struct {
	// Began is when it did, in whole seconds of the API server's clock; zero if there was no earlier probe.
	Began time.Time
	// Result is what it saw. Whether that was written to the status is not known here.
	Result Result
}
