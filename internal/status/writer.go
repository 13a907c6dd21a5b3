package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// MaxObservationAge is how old an observation may be when it is written. It is less than the renew deadline
// of a leader: a process that was frozen for longer has lost its lease, and what it saw before may be
// older than what its successor wrote.
const MaxObservationAge = 5 * time.Second

// ErrObservationTooOld says that an observation was not written because it is older than MaxObservationAge, or the process
// stood still for so long that another may lead. It has to be made again.
var ErrObservationTooOld = errors.New("the observation is too old to be written")

// Writer writes what a reconcile decided: once, if it changed, and never over a newer object.
type Writer struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Standstill keeps a process that stood still for too long from writing.
	Standstill *Standstill
	// Details bounds how often mere details are written.
	Details *Details
}

// Write updates the status to that of after, which is a copy of before with a new status, if the two differ. Before is
// the object as it was read ahead of the observation, and the update carries its resourceVersion: a write of anybody
// else in the meantime is a conflict, and this one is dropped. It is an update and not a patch because that is less work
// for the API server, by a tenth, and nothing but the status is taken from it either.
//
// Details that come too often are not written, without an error.
//
// Once it has been written, after is as the API server has it, and a change of state is told as an Event.
func (w *Writer) Write(ctx context.Context, before, after v1alpha1.Check, observedAt time.Time) (written bool, err error) {
	if health.SameStatus(before, after) {
		return false, nil
	}
	now := w.Clock.Now()
	if TooOld(observedAt, now, w.Standstill) {
		return false, ErrObservationTooOld
	}
	onlyDetails := health.OnlyDetails(before, after)
	if onlyDetails && !w.Details.Allow(string(after.GetUID()), now) {
		return false, nil // the resync finds them
	}
	ctx, cancel := context.WithTimeout(ctx, MaxObservationAge)
	defer cancel()
	err = w.Client.Status().Update(ctx, after)
	CountWrite(after, err)
	if err != nil {
		return false, fmt.Errorf("writing the status: %w", err)
	}
	if !onlyDetails {
		w.Details.News(string(after.GetUID()))
	}
	w.tell(before, after)
	return true, nil
}

// TooOld reports whether an observation is too old to be written, or whether this process must not write at all.
func TooOld(observedAt, now time.Time, standstill *Standstill) bool {
	return elapsed(observedAt, now) > MaxObservationAge || !standstill.MayWrite()
}

// Shallow is a copy that shares its inside with the original. It is enough to give it another status: the client
// empties an object before it decodes the answer to a write into it, and so replaces all of it.
func Shallow[T any](check *T) *T {
	updated := *check
	return &updated
}

// tell emits the Event for a change of state. It comes after the write, so that no Event speaks of a state
// that was never shown.
func (w *Writer) tell(before, after v1alpha1.Check) {
	from, to := before.CommonStatus(), after.CommonStatus()
	if health.Known(from.State) == to.State {
		return
	}
	culprit, related := blamed(after)
	note := health.TransitionNote(from.State, to.State, to.Message, culprit, after.GetNamespace())
	action := string(health.Known(from.State)) + "To" + string(to.State)
	w.Recorder.Eventf(after, related, eventType(to.State), v1alpha1.EventStateChanged, action, "%s", note)
}

// eventType is Normal for what is healthy, and for what somebody planned.
func eventType(to v1alpha1.State) string {
	if to == v1alpha1.StatePassing || to == v1alpha1.StateMaintenance {
		return corev1.EventTypeNormal
	}
	return corev1.EventTypeWarning
}

// Dropped reports whether an error of Write means that the result was rightly thrown away: the object has
// changed or gone since it was read, the observation grew old, or the manager stops. It has to be looked at again, RetrySoon.
func Dropped(err error) bool {
	return Superseded(err) || errors.Is(err, ErrObservationTooOld) || errors.Is(err, context.Canceled)
}

// Superseded reports whether an error of a write means that the object has changed or gone since it was read.
func Superseded(err error) bool { return apierrors.IsConflict(err) || apierrors.IsNotFound(err) }
