package target

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "\t", " ")), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestTheHealthOfAnyKindIsItsEvidence(t *testing.T) {
	ready := `conditions: [{type: Ready, status: "True", reason: Issued}]`
	for name, c := range map[string]struct {
		object string
		ref    Reference
		state  v1alpha1.State
		reason string
	}{
		"a condition": {`{apiVersion: x.example/v1, kind: Widget, status: {` + ready + `}}`, Reference{},
			v1alpha1.StatePassing, "Issued"},
		"a rule of its kind": {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Lost}}`, Reference{},
			v1alpha1.StateCritical, "Lost"},
		"nothing": {`{apiVersion: x.example/v1, kind: Widget, metadata: {name: w}}`, Reference{},
			v1alpha1.StateUnknown, "NotYetReported"},
		"nothing, and the alias says what then": {`{apiVersion: x.example/v1, kind: Widget, metadata: {name: w}}`,
			Reference{Unreported: v1alpha1.StateCritical}, v1alpha1.StateCritical, "NotYetReported"},
		"nothing that is understood, and the alias says what then": {`{apiVersion: x.example/v1, kind: Widget, status: {fizz: 1}}`,
			Reference{Unreported: v1alpha1.StateWarning}, v1alpha1.StateWarning, "NoVerdict"},
		"in maintenance": {
			`{apiVersion: v1, kind: Pod, metadata: {annotations: {health.aliascheck.dev/maintenance: disk}}, status: {phase: Failed}}`,
			Reference{}, v1alpha1.StateMaintenance, "Maintenance"},
		"in maintenance, with one condition": {
			`{apiVersion: v1, kind: Pod, metadata: {annotations: {health.aliascheck.dev/maintenance: ""}}}`,
			Reference{ConditionType: "Ready"}, v1alpha1.StateMaintenance, "Maintenance"},
		"one condition that is True": {
			`{apiVersion: v1, kind: Pod, status: {phase: Failed, conditions: [{type: Seen, status: "True", reason: Surely}]}}`,
			Reference{ConditionType: "Seen"}, v1alpha1.StatePassing, "Surely"},
		"one condition that is False and gives no reason": {
			`{apiVersion: v1, kind: Pod, status: {conditions: [{type: Seen, status: "False"}]}}`,
			Reference{ConditionType: "Seen"}, v1alpha1.StateCritical, "ConditionFalse"},
		"one condition that is False, and healthy so": {
			`{apiVersion: v1, kind: Pod, status: {conditions: [{type: Seen, status: "False"}]}}`,
			Reference{ConditionType: "Seen", ConditionStatus: "False"}, v1alpha1.StatePassing, "ConditionFalse"},
		"one condition that is True, and not healthy so": {
			`{apiVersion: v1, kind: Pod, status: {conditions: [{type: Seen, status: "True", reason: Surely}]}}`,
			Reference{ConditionType: "Seen", ConditionStatus: "False"}, v1alpha1.StateCritical, "Surely"},
		"one condition that is Unknown": {
			`{apiVersion: v1, kind: Pod, status: {conditions: [{type: Seen, status: Unknown, reason: Dunno}]}}`,
			Reference{ConditionType: "Seen", ConditionStatus: "False"}, v1alpha1.StateUnknown, "Dunno"},
		"one condition that is absent": {
			`{apiVersion: v1, kind: Pod}`, Reference{ConditionType: "Seen"}, v1alpha1.StateUnknown, "ConditionNotFound"},
		"one condition that is there twice": {
			`{apiVersion: x.example/v1, kind: Widget, status: {conditions: [
			  {type: Seen, status: "False", lastTransitionTime: "2026-01-02T12:00:00Z"},
			  {type: Seen, status: "True", reason: Before, lastTransitionTime: "2026-01-01T12:00:00Z"}]}}`,
			Reference{ConditionType: "Seen"}, v1alpha1.StateCritical, "ConditionFalse"},
		"one condition in a status of an older generation": {
			`{apiVersion: x.example/v1, kind: Widget, metadata: {generation: 2}, status: {observedGeneration: 1,
			  conditions: [{type: Seen, status: "True", reason: Surely}]}}`, Reference{ConditionType: "Seen"}, v1alpha1.StateWarning, "InProgress"},
		"one condition that fails in a status of an older generation": {
			`{apiVersion: x.example/v1, kind: Widget, metadata: {generation: 2}, status: {observedGeneration: 1,
			  conditions: [{type: Seen, status: "False", reason: Surely}]}}`, Reference{ConditionType: "Seen"}, v1alpha1.StateCritical, "Surely"},
		"one condition that is itself of an older generation": {
			`{apiVersion: x.example/v1, kind: Widget, metadata: {generation: 2}, status: {
			  conditions: [{type: Seen, status: "True", reason: Surely, observedGeneration: 1}]}}`,
			Reference{ConditionType: "Seen"}, v1alpha1.StateWarning, "InProgress"},
		"one condition of this generation, beside one of an older": {
			`{apiVersion: x.example/v1, kind: Widget, metadata: {generation: 2}, status: {
			  conditions: [{type: Seen, status: "True", reason: Surely, observedGeneration: 2},
			  {type: Heard, status: "True", observedGeneration: 1}]}}`, Reference{ConditionType: "Seen"}, v1alpha1.StatePassing, "Surely"},
		"one condition that is absent from a status of an older generation": {
			`{apiVersion: x.example/v1, kind: Widget, metadata: {generation: 2}, status: {observedGeneration: 1}}`,
			Reference{ConditionType: "Seen"}, v1alpha1.StateUnknown, "ConditionNotFound"},
		"one condition of what is being deleted": {
			`{apiVersion: x.example/v1, kind: Widget, metadata: {deletionTimestamp: "2026-01-02T12:00:00Z"},
			  status: {conditions: [{type: Seen, status: "True", reason: Surely}]}}`,
			Reference{ConditionType: "Seen"}, v1alpha1.StateCritical, "Terminating"},
	} {
		t.Run(name, func(t *testing.T) {
			whole := object(t, c.object)
			kind := whole.GroupVersionKind().GroupKind()
			set := rules.BuiltIn(kind)
			for which, u := range map[string]*unstructured.Unstructured{"whole": whole, "stripped": stripped(t, whole, set)} {
				m := objectMember(c.ref, u, set)
				if m.State != c.state || m.Reason != c.reason || m.Message == "" && m.State != v1alpha1.StateMaintenance {
					t.Errorf("%s: got %s %s %q, want %s %s", which, m.State, m.Reason, m.Message, c.state, c.reason)
				}
			}
		})
	}
}

func stripped(t *testing.T, whole *unstructured.Unstructured, set *rules.Set) *unstructured.Unstructured {
	t.Helper()
	kept, err := read(whole.GroupVersionKind().GroupKind(), set).strip()(whole)
	if err != nil {
		t.Fatal(err)
	}
	return kept.(*unstructured.Unstructured)
}

func TestWhatHealthIsNotReadFromIsNotKept(t *testing.T) {
	secret, err := rules.Compile([]v1alpha1.Rule{{State: v1alpha1.StatePassing, When: "object.status.fizz[0].lit"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set          *rules.Set
		status, want string
	}{
		"without rules": {nil, `{secret: x, observedGeneration: 1, phase: Active, conditions: [{type: A, note: x}]}`,
			`{observedGeneration: 1, phase: Active, conditions: [{type: A}]}`},
		"without rules, and reporting": {nil, `{secret: x}`, `{health.aliascheck.dev/something-else: true}`},
		"without rules, and not":       {nil, `{}`, `{}`},
		"with rules":                   {secret, `{secret: x, phase: Active, fizz: [{lit: true, note: x}, {lit: false}]}`, `{fizz: [{lit: true}, {lit: false}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			whole := object(t, `
				{apiVersion: x.example/v1, kind: Widget, metadata: {name: w, namespace: n, uid: u, resourceVersion: "7",
				 labels: {a: b}, annotations: {secret: x}, managedFields: [{}]}, spec: {template: {}}, data: {password: x}, status: `+c.status+`}`)
			want := object(t, `
				{apiVersion: x.example/v1, kind: Widget, metadata: {name: w, namespace: n, uid: u, resourceVersion: "8", annotations: {}},
				 status: `+c.want+`}`)
			if c.set == nil {
				want.Object["spec"] = map[string]any{}
			}
			if got := stripped(t, whole, c.set); !sameHealth(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestANodeIsTheWorstOfWhatItSaysOfItself(t *testing.T) {
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue}
	with := func(kind corev1.NodeConditionType, status corev1.ConditionStatus) []corev1.NodeCondition {
		return []corev1.NodeCondition{ready, {Type: kind, Status: status, Reason: "Why", Message: "at 12:00:01"}}
	}
	for name, c := range map[string]struct {
		conditions []corev1.NodeCondition
		cordoned   bool
		state      v1alpha1.State
		message    string
	}{
		"ready":                   {[]corev1.NodeCondition{ready}, false, v1alpha1.StatePassing, ""},
		"without conditions":      {nil, false, v1alpha1.StateUnknown, "no Ready condition"},
		"not ready":               {with(corev1.NodeReady, corev1.ConditionFalse)[1:], false, v1alpha1.StateCritical, "Ready is False: Why"},
		"lost":                    {with(corev1.NodeReady, corev1.ConditionUnknown)[1:], false, v1alpha1.StateCritical, "Ready is Unknown: Why"},
		"without network":         {with(corev1.NodeNetworkUnavailable, corev1.ConditionTrue), false, v1alpha1.StateCritical, "NetworkUnavailable is True: Why"},
		"under memory pressure":   {with(corev1.NodeMemoryPressure, corev1.ConditionTrue), false, v1alpha1.StateWarning, "MemoryPressure is True: Why"},
		"under disk pressure":     {with(corev1.NodeDiskPressure, corev1.ConditionTrue), false, v1alpha1.StateWarning, "DiskPressure is True: Why"},
		"under PID pressure":      {with(corev1.NodePIDPressure, corev1.ConditionTrue), false, v1alpha1.StateWarning, "PIDPressure is True: Why"},
		"with pressure unknown":   {with(corev1.NodePIDPressure, corev1.ConditionUnknown), false, v1alpha1.StatePassing, ""},
		"cordoned":                {[]corev1.NodeCondition{ready}, true, v1alpha1.StateMaintenance, "cordoned"},
		"cordoned and not ready":  {with(corev1.NodeReady, corev1.ConditionFalse)[1:], true, v1alpha1.StateCritical, "Ready is False: Why"},
		"with another's findings": {with("KernelDeadlock", corev1.ConditionTrue), false, v1alpha1.StatePassing, ""},
	} {
		t.Run(name, func(t *testing.T) {
			node := &corev1.Node{Spec: corev1.NodeSpec{Unschedulable: c.cordoned}}
			node.Status.Conditions = c.conditions
			if m := nodeMember(node); m.State != c.state || m.Message != c.message {
				t.Errorf("got %s %q, want %s %q", m.State, m.Message, c.state, c.message)
			}
		})
	}
}

func TestOneReadyEndpointWillDo(t *testing.T) {
	slice := func(ready ...*bool) discoveryv1.EndpointSlice {
		s := discoveryv1.EndpointSlice{}
		for _, r := range ready {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Conditions: discoveryv1.EndpointConditions{Ready: r}})
		}
		return s
	}
	idle, leaving := slice(new(true)), slice(new(false))
	idle.Endpoints[0].Conditions.Serving, leaving.Endpoints[0].Conditions.Serving = new(false), new(true)
	for name, c := range map[string]struct {
		slices []discoveryv1.EndpointSlice
		state  v1alpha1.State
	}{
		"no endpoints":               {[]discoveryv1.EndpointSlice{slice()}, v1alpha1.StateCritical},
		"none ready":                 {[]discoveryv1.EndpointSlice{slice(new(false)), slice(new(false))}, v1alpha1.StateCritical},
		"one ready in another slice": {[]discoveryv1.EndpointSlice{slice(new(false)), slice(new(true))}, v1alpha1.StatePassing},
		"one that does not say":      {[]discoveryv1.EndpointSlice{slice(new(false), nil)}, v1alpha1.StatePassing},
		"ready, and not serving":     {[]discoveryv1.EndpointSlice{idle}, v1alpha1.StateCritical},
		"serving, and not ready":     {[]discoveryv1.EndpointSlice{leaving}, v1alpha1.StateCritical},
	} {
		t.Run(name, func(t *testing.T) {
			if m := endpointsMember(health.Member{}, c.slices); m.State != c.state {
				t.Errorf("got %s, want %s", m.State, c.state)
			}
		})
	}
}

func TestAnAnnotatedCheckIsInMaintenanceBeforeItsStatusSaysSo(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Annotations = map[string]string{v1alpha1.AnnotationMaintenance: "disk"}
	check.Status.State, check.Status.LastTransitionTime = v1alpha1.StatePassing, &metav1.Time{Time: time.Now()}
	if m := healthCheckMember(check, time.Now()); m.State != v1alpha1.StateMaintenance || m.Message != "disk" || !m.Since.IsZero() {
		t.Errorf("got %+v", m)
	}
	check.Status.State, check.Status.Message = v1alpha1.StateMaintenance, "disk"
	if m := healthCheckMember(check, time.Now()); m.Since.IsZero() {
		t.Errorf("the status says since when, and the member does not: %+v", m)
	}
}

// Among others it is left out from the moment that its spec says so; an alias of it alone follows its status.
func TestASuspendedCheckIsLeftOutBeforeItsStatusSaysSo(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Spec.Suspend, check.Status.State, check.Status.Reason = true, v1alpha1.StateCritical, "ProbeFailed"
	if m := countedMember(check, time.Now()); m.State != v1alpha1.StateUnknown || m.Reason != v1alpha1.ReasonSuspended {
		t.Errorf("among others it is %+v", m)
	}
	if m := healthCheckMember(check, time.Now()); m.State != v1alpha1.StateCritical {
		t.Errorf("alone it is %+v", m)
	}
	check.Annotations = map[string]string{v1alpha1.AnnotationMaintenance: "disk"}
	if m := countedMember(check, time.Now()); m.State != v1alpha1.StateMaintenance {
		t.Errorf("in maintenance it is %+v", m)
	}
}

func TestTheReasonOfACheckIsItsOwnWhereItHasOne(t *testing.T) {
	for name, c := range map[string]struct {
		status v1alpha1.CheckStatus
		want   string
	}{
		"a reason":                   {v1alpha1.CheckStatus{State: v1alpha1.StateCritical, Reason: "ProbeFailed"}, "ProbeFailed"},
		"no state yet":               {v1alpha1.CheckStatus{}, "NotYetReported"},
		"a state without a reason":   {v1alpha1.CheckStatus{State: v1alpha1.StateCritical}, "Critical"},
		"a reason that cannot be it": {v1alpha1.CheckStatus{State: v1alpha1.StateWarning, Reason: "o k!"}, "Warning"},
	} {
		t.Run(name, func(t *testing.T) {
			check := &v1alpha1.HealthCheck{Status: v1alpha1.HealthCheckStatus{CheckStatus: c.status}}
			if m := healthCheckMember(check, time.Now()); m.Reason != c.want {
				t.Errorf("got %s, want %s", m.Reason, c.want)
			}
		})
	}
}

// The old Ready of a check in maintenance is False, and would be told as a failure.
func TestMaintenanceOfACheckWinsOverItsConditions(t *testing.T) {
	notReady := []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "MaintenanceChecks"}}
	for _, reason := range []string{v1alpha1.ReasonMaintenance, "MaintenanceChecks"} {
		alias := &v1alpha1.AliasCheck{Status: v1alpha1.AliasCheckStatus{CheckStatus: v1alpha1.CheckStatus{
			State: v1alpha1.StateMaintenance, Reason: reason, Conditions: notReady,
		}}}
		for _, asked := range []string{v1alpha1.ConditionReady, "Absent"} {
			m := orCondition(Reference{ConditionType: asked}, aliasMember(alias, time.Now()), notReady)
			if m.State != v1alpha1.StateMaintenance || m.Reason != reason {
				t.Errorf("condition %s of an alias with %s: got %s %s", asked, reason, m.State, m.Reason)
			}
		}
	}
}
