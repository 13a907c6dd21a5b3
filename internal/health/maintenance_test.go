package health

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestAMaintenanceWindowOpensAndClosesByItsSchedule(t *testing.T) {
	sunday := v1alpha1.MaintenanceWindow{Schedule: "0 2 * * 0", TimeZone: "Europe/Berlin", Reason: "backup"}
	sunday.Duration.Duration = 2 * time.Hour
	night := v1alpha1.MaintenanceWindow{Schedule: "30 2 * * *", TimeZone: "Europe/Berlin", Reason: "night"}
	night.Duration.Duration = time.Hour
	utc := v1alpha1.MaintenanceWindow{Schedule: "0 22 * * *", Reason: "late"}
	utc.Duration.Duration = 4 * time.Hour
	always := v1alpha1.MaintenanceWindow{Schedule: "* * * * *", Reason: "always"}
	always.Duration.Duration = time.Hour
	never := v1alpha1.MaintenanceWindow{Schedule: "0 0 30 2 *", Reason: "never"}
	never.Duration.Duration = time.Hour
	nowhere := v1alpha1.MaintenanceWindow{Schedule: "* * * * *", TimeZone: "Nowhere/Land", Reason: "nowhere"}
	nowhere.Duration.Duration = time.Hour
	backwards := v1alpha1.MaintenanceWindow{Schedule: "5-1 * * * *", Reason: "backwards"}
	backwards.Duration.Duration = time.Hour
	hourly := v1alpha1.MaintenanceWindow{Schedule: "@hourly", Reason: "hourly"}
	hourly.Duration.Duration = 90 * time.Minute

	for _, c := range []struct {
		rule    string
		window  v1alpha1.MaintenanceWindow
		now     string
		reason  string // empty while it is closed
		changes string // empty for never
	}{
		{"before it", sunday, "2026-11-29T01:59:59+01:00", "", "2026-11-29T02:00:00+01:00"},
		{"from its first second on", sunday, "2026-11-29T02:00:00+01:00", "backup (until 2026-11-29T04:00:00+01:00)", "2026-11-29T04:00:00+01:00"},
		{"to its last", sunday, "2026-11-29T03:59:59.9+01:00", "backup (until 2026-11-29T04:00:00+01:00)", "2026-11-29T04:00:00+01:00"},
		{"and no longer", sunday, "2026-11-29T04:00:00+01:00", "", "2026-12-06T02:00:00+01:00"},
		{"whatever the zone of the clock", sunday, "2026-11-29T02:30:00Z", "backup (until 2026-11-29T04:00:00+01:00)", "2026-11-29T04:00:00+01:00"},
		{"over midnight", utc, "2026-11-30T01:30:00Z", "late (until 2026-11-30T02:00:00Z)", "2026-11-30T02:00:00Z"},
		{"without a time zone in UTC", utc, "2026-11-30T22:30:00+01:00", "", "2026-11-30T22:00:00Z"},

		// On 2026-03-29 clocks in Berlin go from 2:00 to 3:00, and on 2026-10-25 from 3:00 back to 2:00.
		{"two hours are two hours when clocks go forward", sunday, "2026-03-29T03:30:00+02:00", "", "2026-04-05T02:00:00+02:00"},
		{"a time that the clocks leave out has no window that day, as no Job", night, "2026-03-29T03:00:00+02:00", "", "2026-03-30T02:30:00+02:00"},
		{"two hours are two hours when clocks go back", sunday, "2026-10-25T02:30:00+02:00", "backup (until 2026-10-25T04:00:00+01:00)", "2026-10-25T04:00:00+01:00"},
		{"a time that comes twice has both windows, which are one", night, "2026-10-25T02:45:00+02:00", "night (until 2026-10-25T03:30:00+01:00)", "2026-10-25T03:30:00+01:00"},
		{"which ends with the second", night, "2026-10-25T03:30:00+01:00", "", "2026-10-26T02:30:00+01:00"},

		{"those that always overlap have no end", always, "2026-11-29T02:00:30Z", "always", "2026-11-29T03:00:30Z"},
		{"and those of every hour", hourly, "2026-11-29T02:00:00Z", "hourly", "2026-11-29T03:30:00Z"},
		{"a day that never comes", never, "2026-11-29T02:00:00Z", "", ""},
		{"an unknown time zone", nowhere, "2026-11-29T02:00:00Z", "", ""},
		{"a schedule that goes backwards", backwards, "2026-11-29T02:00:00Z", "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			check := &v1alpha1.HealthCheck{}
			check.Spec.MaintenanceWindows = []v1alpha1.MaintenanceWindow{c.window}
			got := MaintenanceAt(check, at(t, c.now))
			if got.In != (c.reason != "") || got.Reason != c.reason {
				t.Errorf("got %t %q, want %q", got.In, got.Reason, c.reason)
			}
			if c.changes == "" && !got.Changes.IsZero() || c.changes != "" && !got.Changes.Equal(at(t, c.changes)) {
				t.Errorf("it changes at %s, want %s", got.Changes, c.changes)
			}
		})
	}
}

func TestTheEndOfAMaintenanceIsToldAndEndsIt(t *testing.T) {
	end := metav1.NewTime(noon.In(time.FixedZone("of the machine", 3600))) // as it is decoded
	bySpec := &v1alpha1.HealthCheck{}
	bySpec.Spec.Maintenance = &v1alpha1.Maintenance{Reason: "disk", Until: &end}
	annotated := func(until string) *v1alpha1.HealthCheck {
		check := &v1alpha1.HealthCheck{}
		check.Annotations = map[string]string{
			v1alpha1.AnnotationMaintenance: "disk", v1alpha1.AnnotationMaintenanceUntil: until,
		}
		return check
	}
	alone := annotated("2026-01-02T12:00:00Z")
	delete(alone.Annotations, v1alpha1.AnnotationMaintenance)
	for name, c := range map[string]struct {
		check  *v1alpha1.HealthCheck
		before string
		after  string
	}{
		"of the spec":       {bySpec, "disk (until 2026-01-02T12:00:00Z)", ""},
		"of the annotation": {annotated("2026-01-02T13:00:00+01:00"), "disk (until 2026-01-02T13:00:00+01:00)", ""},
		"that cannot be read": {
			annotated("noon"), `disk (no end: health.aliascheck.dev/maintenance-until is "noon", and must be a time such as 2026-12-01T06:00:00Z)`,
			`disk (no end: health.aliascheck.dev/maintenance-until is "noon", and must be a time such as 2026-12-01T06:00:00Z)`,
		},
		"of no maintenance": {alone, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := MaintenanceAt(c.check, noon.Add(-time.Second)), MaintenanceAt(c.check, noon)
			if before.Reason != c.before || before.In != (c.before != "") {
				t.Errorf("before the end: %+v", before)
			}
			if after.Reason != c.after || after.In != (c.after != "") {
				t.Errorf("after it: %+v", after)
			}
			if ends := c.before != "" && c.after == ""; ends && !before.Changes.Equal(noon) || !ends && !before.Changes.IsZero() {
				t.Errorf("it changes at %s", before.Changes)
			}
		})
	}
}

// A window that is open when the maintenance of the spec ends goes on.
func TestWhereOneMaintenanceEndsAnotherMayGoOn(t *testing.T) {
	end := metav1.NewTime(noon)
	check := &v1alpha1.HealthCheck{}
	check.Spec.Maintenance = &v1alpha1.Maintenance{Reason: "disk", Until: &end}
	check.Spec.MaintenanceWindows = []v1alpha1.MaintenanceWindow{{Schedule: "0 11 * * *", Reason: "daily"}}
	check.Spec.MaintenanceWindows[0].Duration.Duration = 2 * time.Hour
	if got := MaintenanceAt(check, noon.Add(-time.Minute)); got.Reason != "disk (until 2026-01-02T12:00:00Z)" {
		t.Errorf("before: %+v", got)
	}
	if got := MaintenanceAt(check, noon); got.Reason != "daily (until 2026-01-02T13:00:00Z)" {
		t.Errorf("after: %+v", got)
	}
}

// Admission accepts some invalid schedules. Then the check says so, whatever its own state is.
func TestAWindowThatNeverOpensIsToldByStalled(t *testing.T) {
	for name, c := range map[string]struct{ schedule, zone, want string }{
		"an invalid minute": {
			"61 2 * * *", "", `spec.maintenanceWindows[1] never opens: the schedule "61 2 * * *" cannot be read: end of range (61) above maximum (59): 61`},
		"a range that goes backwards": {
			"5-1 * * * *", "", `spec.maintenanceWindows[1] never opens: the schedule "5-1 * * * *" cannot be read: beginning of range (5) beyond end of range (1): 5-1`},
		"a day that never comes": {"0 0 30 2 *", "", `spec.maintenanceWindows[1] never opens: the time "0 0 30 2 *" never comes`},
		"an unknown time zone": {
			"0 2 * * *", "Europe/Bonn", `spec.maintenanceWindows[1] never opens: there is no time zone "Europe/Bonn"`},
		"a leap day":  {"0 0 29 2 *", "Europe/Berlin", ""},
		"any weekday": {"0 2 * * MON-FRI", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			check := &v1alpha1.HealthCheck{}
			check.Generation = 1
			check.Spec.MaintenanceWindows = []v1alpha1.MaintenanceWindow{
				{Schedule: "0 3 1 1 *", Reason: "new year"}, {Schedule: c.schedule, TimeZone: c.zone, Reason: "typo"},
			}
			status := Judge(check, false, Passed, v1alpha1.ReasonProbeSucceeded, "as seen", noon).ApplyTo(check, "tcp")
			if status.State != v1alpha1.StatePassing || status.Reason != v1alpha1.ReasonProbeSucceeded {
				t.Errorf("it is %s (%s), want what the probe says", status.State, status.Reason)
			}
			stalled := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled)
			if c.want == "" {
				if stalled != nil {
					t.Errorf("Stalled is %+v", stalled)
				}
				return
			}
			if stalled == nil || stalled.Reason != v1alpha1.ReasonInvalidWindow || stalled.Message != c.want {
				t.Errorf("Stalled is %+v, want %q", stalled, c.want)
			}
			check.Status = status
			if again := Judge(check, false, Passed, v1alpha1.ReasonProbeSucceeded, "as seen", noon.Add(time.Hour)).ApplyTo(check, "tcp"); !SameHealthCheckStatus(&again, &status) {
				t.Errorf("an hour later it is another: %+v", again)
			}
		})
	}
}
