package status

import (
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestChecksAreCachedWithoutWhatNobodyReads(t *testing.T) {
	check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{
		Name:          "web",
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		Annotations: map[string]string{
			corev1.LastAppliedConfigAnnotation: `{"kind":"HealthCheck"}`, v1alpha1.AnnotationMaintenance: "upgrade",
			"example.com/notes": strings.Repeat("x", 200_000),
		},
	}}
	stripped, err := StripCheck(check)
	if err != nil {
		t.Fatal(err)
	}
	got := stripped.(*v1alpha1.HealthCheck)
	if want := map[string]string{v1alpha1.AnnotationMaintenance: "upgrade"}; !maps.Equal(got.Annotations, want) {
		t.Errorf("the annotations are %v, want %v", got.Annotations, want)
	}
	if got.ManagedFields != nil || got.Name != "web" {
		t.Errorf("stripped it is %+v, want its name and no managed fields", got.ObjectMeta)
	}
}

func TestATombstoneIsCachedAsItIs(t *testing.T) {
	tombstone := cache.DeletedFinalStateUnknown{Key: "shop/web"}
	if got, err := StripCheck(tombstone); got != any(tombstone) || err != nil {
		t.Errorf("a tombstone becomes %v, %v", got, err)
	}
}
