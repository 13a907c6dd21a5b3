package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Expectation is what one check has to show. What it leaves out may be anything, except that a check which
// is not said to be stalled must not be, and that the Ready condition always has to be in step with the state.
type Expectation struct {
	// Alias or HealthCheck is the name of the check; exactly one of the two.
	Alias       string `json:"alias,omitempty"`
	HealthCheck string `json:"healthCheck,omitempty"`
	// Namespace of the check; the case's own by default.
	Namespace string `json:"namespace,omitempty"`

	State  v1alpha1.State `json:"state"`
	Reason string         `json:"reason,omitempty"`
	// Message is a part of the message; NotInMessage must be no part of it.
	Message      string `json:"message,omitempty"`
	NotInMessage string `json:"notInMessage,omitempty"`
	// Culprit is Kind/name, or Kind/namespace/name where that is not the namespace of the check; none where
	// there must be no culprit.
	Culprit string `json:"culprit,omitempty"`
	// Target is what status.target shows.
	Target string `json:"target,omitempty"`
	// TargetResolved is the status of that condition.
	TargetResolved metav1.ConditionStatus `json:"targetResolved,omitempty"`
	// Stalled says that the condition is there and True.
	Stalled bool `json:"stalled,omitempty"`
	// StalledReason is the reason of that condition, where it is not that of the state.
	StalledReason string `json:"stalledReason,omitempty"`
	// Since is the time of transition, where the target says it.
	Since *time.Time `json:"since,omitempty"`
}

const noCulprit = "none"

func (e Expectation) validate() error {
	if (e.Alias == "") == (e.HealthCheck == "") {
		return errors.New("an expectation is of an alias or of a healthCheck")
	}
	if e.State == "" {
		return fmt.Errorf("the expectation of %s%s needs a state", e.Alias, e.HealthCheck)
	}
	return nil
}

// check is an empty object of the kind that is meant.
func (e Expectation) check() v1alpha1.Check {
	if e.Alias != "" {
		return &v1alpha1.AliasCheck{}
	}
	return &v1alpha1.HealthCheck{}
}

func (e Expectation) key(home string) types.NamespacedName {
	key := types.NamespacedName{Namespace: home, Name: e.Alias + e.HealthCheck}
	if e.Namespace != "" {
		key.Namespace = e.Namespace
	}
	return key
}

// differences are what a check shows and should not, in words.
func (e Expectation) differences(check v1alpha1.Check) []string {
	status := check.CommonStatus()
	d := &differences{check: check.GetName()}
	d.equal("state", string(e.State), string(status.State))
	d.unless(e.Reason == "", "reason", e.Reason, status.Reason)
	d.contains("message", e.Message, status.Message)
	d.lacks("message", e.NotInMessage, status.Message)
	d.equal("observedGeneration", fmt.Sprint(check.GetGeneration()), fmt.Sprint(status.ObservedGeneration))
	d.equal("Ready", readyFor(e.State), conditionStatus(check, v1alpha1.ConditionReady))
	d.equal("Stalled", stalledFor(e.Stalled), conditionStatus(check, v1alpha1.ConditionStalled))
	d.unless(!e.Stalled, "reason of Stalled", cmp.Or(e.StalledReason, status.Reason), conditionReason(check, v1alpha1.ConditionStalled))
	d.unless(e.TargetResolved == "", "TargetResolved",
		string(e.TargetResolved), conditionStatus(check, v1alpha1.ConditionTargetResolved))
	if e.Since != nil {
		d.equal("lastTransitionTime", spelledTime(e.Since), spelledTime(&status.LastTransitionTime.Time))
	}
	if alias, ok := check.(*v1alpha1.AliasCheck); ok {
		d.unless(e.Target == "", "target", e.Target, alias.Status.Target)
		d.unless(e.Culprit == "", "culprit", e.Culprit, spelledCulprit(alias))
	}
	return d.found
}

type differences struct {
	check string
	found []string
}

func (d *differences) unless(skip bool, what, want, got string) {
	if !skip {
		d.equal(what, want, got)
	}
}

func (d *differences) equal(what, want, got string) {
	if want != got {
		d.found = append(d.found, fmt.Sprintf("%s: %s is %q and should be %q", d.check, what, got, want))
	}
}

func (d *differences) contains(what, part, got string) {
	if !strings.Contains(got, part) {
		d.found = append(d.found, fmt.Sprintf("%s: %s is %q and should contain %q", d.check, what, got, part))
	}
}

func (d *differences) lacks(what, part, got string) {
	if part != "" && strings.Contains(got, part) {
		d.found = append(d.found, fmt.Sprintf("%s: %s is %q and must not contain %q", d.check, what, got, part))
	}
}

// readyFor spells out what the API promises, and shares no code with the manager.
func readyFor(state v1alpha1.State) string {
	return map[v1alpha1.State]string{
		"Passing": "True", "Warning": "True", "Critical": "False", "Maintenance": "False", "Unknown": "Unknown",
	}[state]
}

const absent = "absent"

func stalledFor(stalled bool) string {
	if stalled {
		return string(metav1.ConditionTrue)
	}
	return absent
}

func conditionStatus(check v1alpha1.Check, kind string) string {
	condition := meta.FindStatusCondition(check.CommonStatus().Conditions, kind)
	if condition == nil {
		return absent
	}
	return string(condition.Status)
}

func conditionReason(check v1alpha1.Check, kind string) string {
	if condition := meta.FindStatusCondition(check.CommonStatus().Conditions, kind); condition != nil {
		return condition.Reason
	}
	return absent
}

func spelledTime(t *time.Time) string { return t.UTC().Format(time.RFC3339) }

func spelledCulprit(alias *v1alpha1.AliasCheck) string {
	culprit := alias.Status.Culprit
	switch {
	case culprit == nil:
		return noCulprit
	case culprit.Namespace == "" || culprit.Namespace == alias.Namespace:
		return culprit.Kind + "/" + culprit.Name
	default:
		return culprit.Kind + "/" + culprit.Namespace + "/" + culprit.Name
	}
}
