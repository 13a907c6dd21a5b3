package main

import (
	"encoding/json"
	"fmt"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// The kinds in both groups.
var (
	healthChecks = v1alpha1.GroupVersion.WithResource("healthchecks")
	aliasChecks  = v1alpha1.GroupVersion.WithResource("aliaschecks")
	sources      = baselineGroup.WithResource("healthchecks")
	mirrors      = baselineGroup.WithResource("aliaschecks")
	events       = eventsv1.SchemeGroupVersion.WithResource("events")
)

// sourceName is the check that others follow.
const sourceName = "source"

func named(prefix string, i int) string { return fmt.Sprintf("%s-%06d", prefix, i) }

// probing is a HealthCheck of a URL.
func probing(name, url string, interval time.Duration) *v1alpha1.HealthCheck {
	return &v1alpha1.HealthCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.HealthCheckSpec{
			Interval: &metav1.Duration{Duration: interval},
			HTTP:     &v1alpha1.HTTPProbe{URL: url},
		},
	}
}

// suspended is a HealthCheck that costs nothing.
func suspended(name string) *v1alpha1.HealthCheck {
	check := probing(name, "http://127.0.0.1:1/", time.Minute)
	check.Spec.Suspend = true
	return check
}

// following is an AliasCheck of a HealthCheck.
func following(name, target string) *v1alpha1.AliasCheck {
	return &v1alpha1.AliasCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.AliasCheckSpec{TargetRef: &v1alpha1.TargetReference{Name: target}},
	}
}

// flipped is the state of the source after so many flips, with the message of a probe.
func flipped(flip int) (v1alpha1.State, string) {
	if flip%2 == 0 {
		return v1alpha1.StatePassing, "GET http://web.shop:8080/healthz: 200 OK"
	}
	return v1alpha1.StateCritical, "GET http://web.shop:8080/healthz: 503 Service Unavailable"
}

// sourceStatus is the patch of a HealthCheck's status for a flip.
func sourceStatus(flip int) []byte { return statusPatch(flip, healthChecks) }

// mirrorStatus is the patch of an AliasCheck's status for a flip: the same fields as the manager writes.
func mirrorStatus(flip int) []byte { return statusPatch(flip, aliasChecks) }

func statusPatch(flip int, kind schema.GroupVersionResource) []byte {
	state, message := flipped(flip)
	now := metav1.Now()
	status := v1alpha1.AliasCheckStatus{CheckStatus: v1alpha1.CheckStatus{
		State: state, Reason: "ProbeResult", Message: message, LastTransitionTime: &now, ObservedGeneration: 1,
	}}
	ready := metav1.ConditionTrue
	if state != v1alpha1.StatePassing {
		ready = metav1.ConditionFalse
	}
	status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionReady, Status: ready, Reason: status.Reason, Message: message, ObservedGeneration: 1, LastTransitionTime: now},
	}
	if kind == aliasChecks {
		status.Culprit = &v1alpha1.Culprit{Kind: "HealthCheck", Namespace: namespace, Name: sourceName}
		status.Conditions = append(status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionTargetResolved, Status: metav1.ConditionTrue, Reason: "Resolved",
			Message: "the target is there and can be read", ObservedGeneration: 1, LastTransitionTime: now,
		})
	}
	body, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		panic(err) // no value of this type fails
	}
	return body
}
