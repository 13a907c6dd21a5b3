package target

import (
	"context"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
)

func (o *Observer) healthCheck(ctx context.Context, ref Reference) (health.Observation, error) {
	check := &v1alpha1.HealthCheck{}
	found, err := o.get(ctx, ref.key(), check)
	switch {
	case err != nil:
		return health.Observation{}, err
	case !found:
		return missing(ref), nil
	}
	member := healthCheckMember(check, ref.At)
	if ref.Among {
		member = countedMember(check, ref.At)
	}
	return one(orCondition(ref, member, check.Status.Conditions)), nil
}

// countedMember is a HealthCheck among others. If its spec suspends it, it is left out of what is combined at once,
// whatever it still shows, and never counts as Unknown in between.
func countedMember(check *v1alpha1.HealthCheck, now time.Time) health.Member {
	member := healthCheckMember(check, now)
	if !check.Spec.Suspend { // most: whether a window of its schedule is open need not be known
		return member
	}
	if verdict, unprobed := health.WithoutProbe(check, now); unprobed && verdict.Reason == v1alpha1.ReasonSuspended {
		member.State, member.Reason, member.Message = verdict.State, verdict.Reason, verdict.Message
	}
	return member
}

// healthCheckMember is the state that a HealthCheck shows. The annotation for maintenance counts from the
// moment that it is there, and not only once the status says so too.
func healthCheckMember(check *v1alpha1.HealthCheck, now time.Time) health.Member {
	member := memberOf(kindHealthCheck, check)
	annotated := health.AnnotatedMaintenance(check.Annotations, now)
	if annotated.In && member.State != v1alpha1.StateMaintenance {
		return inMaintenance(member, health.MaintenanceAt(check, now))
	}
	return member
}

func memberOf(kind string, check v1alpha1.Check) health.Member {
	status := check.CommonStatus()
	member := health.Member{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       kind,
		Namespace:  check.GetNamespace(),
		Name:       check.GetName(),
		State:      health.Known(status.State),
		Reason:     evidence.ReasonOr(status.Reason, string(status.State)),
		Message:    status.Message,
	}
	if status.State == "" {
		member.Reason = v1alpha1.ReasonNotYetReported
	}
	if status.LastTransitionTime != nil {
		member.Since = status.LastTransitionTime.Time
	}
	return member
}

// inMaintenance is a member which an operator has put in maintenance, whatever its own state is.
func inMaintenance(member health.Member, maintenance health.Maintenance) health.Member {
	member.State = v1alpha1.StateMaintenance
	member.Reason = v1alpha1.ReasonMaintenance
	member.Message = maintenance.Reason
	member.Since, member.Changes = time.Time{}, maintenance.Changes
	member.Deeper = nil
	return member
}

// annotated puts a member in maintenance if its object has the annotation for it.
func annotated(member health.Member, annotations map[string]string, now time.Time) (health.Member, bool) {
	maintenance := health.AnnotatedMaintenance(annotations, now)
	if !maintenance.In {
		return member, false
	}
	return inMaintenance(member, maintenance), true
}
