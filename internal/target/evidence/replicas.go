package evidence

import "github.com/aliascheck/aliascheck/api/v1alpha1"

// replicas is what is ready of what is wanted. The messages have no numbers: they would change all through a rollout.
func replicas(r *reading) (Finding, bool) {
	field, ready, told := r.readyReplicas()
	wanted := r.wantedReplicas()
	if !told || wanted <= 0 {
		return Finding{}, false
	}
	finding := Finding{By: "status." + field}
	switch {
	case ready <= 0:
		finding.State, finding.Reason = v1alpha1.StateCritical, "NoReplicaReady"
		finding.Message = "no replica is ready"
	case ready < wanted:
		finding.State, finding.Reason = v1alpha1.StateWarning, "SomeReplicasReady"
		finding.Message = "not all replicas are ready"
	default:
		finding.State, finding.Reason = v1alpha1.StatePassing, "AllReplicasReady"
		finding.Message = "all replicas are ready"
	}
	return r.current(finding, r.older()), true
}

func (r *reading) readyReplicas() (field string, count int64, told bool) {
	for _, field := range readyFields {
		if count, ok := r.status[field].(int64); ok {
			return field, count, true
		}
	}
	return "", 0, false
}

// wantedReplicas is the larger of what the spec wants and what there is: amid a change of scale not all is well.
func (r *reading) wantedReplicas() int64 {
	spec, _ := r.object.Object["spec"].(map[string]any)
	wanted, _ := spec["replicas"].(int64)
	there, _ := r.status["replicas"].(int64)
	return max(wanted, there)
}
