package health

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// A field that is added to a status and forgotten here would never be written.
func TestEveryFieldOfAStatusIsCompared(t *testing.T) {
	for _, check := range []v1alpha1.Check{&v1alpha1.HealthCheck{}, &v1alpha1.AliasCheck{}} {
		status := reflect.ValueOf(check).Elem().FieldByName("Status")
		for _, field := range reflect.VisibleFields(status.Type()) {
			if field.Anonymous {
				continue
			}
			other := check.DeepCopyObject().(v1alpha1.Check)
			set(t, reflect.ValueOf(other).Elem().FieldByName("Status").FieldByIndex(field.Index))
			if SameStatus(check, other) || SameStatus(other, check) {
				t.Errorf("%T: a status with another %s is taken to be the same", check, field.Name)
			}
			if !SameStatus(other, other.DeepCopyObject().(v1alpha1.Check)) {
				t.Errorf("%T: a copy of a status with %s is taken to be another", check, field.Name)
			}
		}
	}
}

// set gives a field a value that is not its zero.
func set(t *testing.T, field reflect.Value) {
	t.Helper()
	switch value := field.Addr().Interface().(type) {
	case **metav1.Time:
		*value = &metav1.Time{Time: time.Unix(1, 0)}
	case *[]metav1.Condition:
		*value = []metav1.Condition{{Type: v1alpha1.ConditionReady, LastTransitionTime: metav1.Unix(1, 0)}}
	case **v1alpha1.Culprit:
		*value = &v1alpha1.Culprit{Name: "web"}
	case *int32:
		*value = 1
	case *int64:
		*value = 1
	default:
		if field.Kind() != reflect.String {
			t.Fatalf("say here what a %s that is set looks like", field.Type())
		}
		field.SetString("set")
	}
}

func TestATimeThatWasReadBackIsTheSame(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	at := func(t time.Time) *v1alpha1.HealthCheck {
		return &v1alpha1.HealthCheck{Status: v1alpha1.HealthCheckStatus{CheckStatus: v1alpha1.CheckStatus{
			LastTransitionTime: &metav1.Time{Time: t},
			Conditions:         []metav1.Condition{{Type: v1alpha1.ConditionReady, LastTransitionTime: metav1.NewTime(t)}},
		}}}
	}
	if !SameStatus(at(now.Local()), at(now.UTC())) {
		t.Error("the same instant in another zone is taken to be another")
	}
	if SameStatus(at(now), at(now.Add(time.Second))) {
		t.Error("another instant is taken to be the same")
	}
}

func BenchmarkAStatusThatDidNotChange(b *testing.B) {
	check := &v1alpha1.HealthCheck{Status: v1alpha1.HealthCheckStatus{
		CheckStatus: v1alpha1.CheckStatus{
			State: v1alpha1.StatePassing, Reason: v1alpha1.ReasonProbeSucceeded, Message: "GET http://web:8080/healthz: 200 OK",
			LastTransitionTime: &metav1.Time{Time: time.Unix(1, 0)},
			Conditions:         []metav1.Condition{{Type: v1alpha1.ConditionReady, LastTransitionTime: metav1.Unix(1, 0)}},
		},
		LastProbeTime: &metav1.Time{Time: time.Unix(1, 0)},
	}}
	other := check.DeepCopy()
	b.ReportAllocs()
	for b.Loop() {
		if !SameStatus(check, other) {
			b.Fatal("a copy is taken to be another")
		}
	}
}
