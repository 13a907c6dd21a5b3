package healthcheck

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxAttempts bounds what is remembered of writes that failed one after the other.
const maxAttempts = 16

// attempt is a status whose writing failed, as its fingerprint, and the probe that was behind it, if one was. It may have
// been written all the same: an API server that breaks down after the commit, a connection that is cut, and a request which
// the client sends again and which then meets its own work all look like failures.
type attempt struct {
	status   uint64
	probed   bool
	lookedAt time.Time
	job      types.UID
}

// tried keeps that the status could not be written. Of very many the first and the last are kept: once one was written
// the others are refused, and after a long outage it is one of the last that was.
func (r *remembered) tried(status v1alpha1.HealthCheckStatus, probed bool) {
	if len(r.attempted) == maxAttempts {
		r.attempted = slices.Delete(r.attempted, maxAttempts/2, maxAttempts/2+1)
	}
	r.attempted = append(r.attempted, attempt{fingerprint(status), probed, r.lookedAt, r.job})
}

// recognise accepts a status that this process has tried to write, so that the next result goes on from it: else it would
// be taken for somebody else's. The probe behind it is done, and is the last one that is: what was due since is due still.
func (r *remembered) recognise(check *v1alpha1.HealthCheck, now time.Time) {
	if len(r.attempted) == 0 || check.ResourceVersion == r.written {
		return
	}
	shown := fingerprint(check.Status)
	i := slices.IndexFunc(r.attempted, func(a attempt) bool { return a.status == shown })
	if i < 0 {
		return
	}
	if done := r.attempted[i]; done.probed {
		r.lookedAt, r.counted, r.lost = done.lookedAt, done.job, done.job != r.job
	}
	r.accept(check, now)
	r.attempted = nil
}
