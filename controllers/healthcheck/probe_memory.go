package healthcheck

import (
	"encoding/json"
	"hash/fnv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/status"
)

// probeMemory is what this process remembers of its probes. A restart loses it and changes no state by that:
// it only says when to look next.
type probeMemory struct {
	mu sync.Mutex
	// byCheck is guarded by mu. An entry belongs to the reconcile of its key, of which there is one at a time.
	byCheck map[types.NamespacedName]*remembered
}

// remembered is what is known of one HealthCheck.
type remembered struct {
	uid types.UID
	// lookedAt is when the last probe began; until the first one, when the check was first seen.
	lookedAt time.Time
	probed   bool
	// notBefore is when the next probe may begin at the earliest, where each one costs a Job.
	notBefore time.Time
	// slow says that the last probe needed a slot, and was of the generation slowOf.
	slow   bool
	slowOf int64
	// lost says that the last probe counts as not done: it was broken off, its result could not be written, or what it
	// needs not be read.
	lost bool
	// began says that this process has begun a Job, or tried to.
	began bool
	// job is the last Job that this process knows of, and counted the last whose result needs not be judged any more.
	job, counted types.UID
	// written and fingerprint are the resourceVersion and the content of the last status that this process
	// wrote or accepted, which was at writtenAt.
	written     string
	writtenAt   time.Time
	fingerprint uint64
	// attempted are the statuses that could not be written since then.
	attempted []attempt
}

// felt keeps whether a probe was slow.
func (r *remembered) felt(check *v1alpha1.HealthCheck, slow bool) {
	r.slow, r.slowOf = slow, check.Generation
}

// knows keeps the Job that a result is of, if it is of one.
func (r *remembered) knows(job types.UID) {
	if job != "" {
		r.job = job
	}
}

func newProbeMemory() *probeMemory {
	return &probeMemory{byCheck: map[types.NamespacedName]*remembered{}}
}

// of is what is remembered of a check; a check of another UID under the same name is a new one.
func (m *probeMemory) of(check *v1alpha1.HealthCheck, now time.Time) *remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := types.NamespacedName{Namespace: check.Namespace, Name: check.Name}
	known, found := m.byCheck[key]
	if !found || known.uid != check.UID {
		known = &remembered{uid: check.UID, lookedAt: now}
		known.accept(check, now)
		m.byCheck[key] = known
	}
	return known
}

func (m *probeMemory) forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byCheck, key)
}

// accept takes the status of a check as one that this process stands for.
func (r *remembered) accept(check *v1alpha1.HealthCheck, now time.Time) {
	if r.written != check.ResourceVersion {
		r.written, r.writtenAt, r.fingerprint = check.ResourceVersion, now, fingerprint(check.Status)
	}
}

// behind reports whether a check as the cache has it is older than what this process has written itself.
func (r *remembered) behind(check *v1alpha1.HealthCheck) bool {
	order, err := resourceversion.CompareResourceVersion(check.ResourceVersion, r.written)
	return err == nil && order < 0
}

// stalled reports whether the cache has been behind for longer than its watch takes.
func (r *remembered) stalled(check *v1alpha1.HealthCheck, now time.Time) bool {
	return r.behind(check) && now.Sub(r.writtenAt) >= status.RetrySoon
}

// rewind takes a check as it is live, even if it is older than what this process wrote: then the API server was
// restored from a backup, and what it has holds. The fingerprint stays, so that the check is looked at again.
func (r *remembered) rewind(live *v1alpha1.HealthCheck) {
	if r.behind(live) {
		r.written = ""
	}
}

// foreign reports whether anybody else has changed the status: it is not to be trusted, and looked at again.
// In the same resourceVersion nobody has, and that is nearly always.
func (r *remembered) foreign(check *v1alpha1.HealthCheck) bool {
	return check.ResourceVersion != r.written && fingerprint(check.Status) != r.fingerprint
}

// handOver is how long no replica may have led when this one began to.
const handOver = time.Second

// due is when the check is to be probed next. A check that this process has not probed yet, because it has
// just started, comes soon but not all at once: the phases of its first probes fill at most firstLook. What was due in a
// hand-over, just before this process first saw it, is due still; that is a tenth of the checks at the most.
func (r *remembered) due(check *v1alpha1.HealthCheck, firstLook time.Duration) time.Time {
	interval, since := check.Spec.ProbeInterval(), r.lookedAt
	if !r.probed {
		interval = min(interval, firstLook)
		since = since.Add(-min(handOver, interval/10))
	}
	due := health.ScheduleFor(check.UID, interval).After(since)
	if due.Before(r.notBefore) {
		return r.notBefore
	}
	return due
}

// dueAtOnce reports whether a check does not wait for its phase: its status awaits a result, or the last one was lost.
func (r *remembered) dueAtOnce(check *v1alpha1.HealthCheck) bool {
	return r.lost || r.awaitsResult(check)
}

// awaitsResult reports whether a status says nothing of this spec: the check is new, was edited, came back from
// maintenance or suspension, or somebody else wrote its status.
func (r *remembered) awaitsResult(check *v1alpha1.HealthCheck) bool {
	return health.AwaitsFirstResult(check) || health.AwaitsFirstProbe(check) || r.foreign(check)
}

// scheduled reports whether a check is probed at its phase, or was to be: only the want of a slot, or a read that failed, has
// kept it from that.
func (r *remembered) scheduled(check *v1alpha1.HealthCheck) bool {
	kept := check.Status.Reason == v1alpha1.ReasonReadError && check.Status.ObservedGeneration == check.Generation
	return kept || !r.awaitsResult(check)
}

func fingerprint(status v1alpha1.HealthCheckStatus) uint64 {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(status) // neither a hash nor this type can fail
	return h.Sum64()
}
