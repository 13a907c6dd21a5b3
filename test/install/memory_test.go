package install_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Above nine tenths, what is not the Go heap does not fit below the limit; far below, memory is paid for in vain.
func TestTheGoMemoryLimitIsNineTenthsOfTheContainers(t *testing.T) {
	container := installedDeployment(t).Spec.Template.Spec.Containers[0]
	limit := container.Resources.Limits.Memory().Value()
	soft := goMemoryLimit(t, &container)
	if soft > limit*90/100 || soft < limit*85/100 {
		t.Errorf("GOMEMLIMIT is %d of %d bytes, which is %d %%; want 85 to 90 %%", soft, limit, soft*100/limit)
	}
}

// goMemoryLimit is GOMEMLIMIT in bytes. Go's units are those of a quantity with a B behind.
func goMemoryLimit(t *testing.T, container *corev1.Container) int64 {
	t.Helper()
	for _, variable := range container.Env {
		if variable.Name == "GOMEMLIMIT" {
			quantity, err := resource.ParseQuantity(strings.TrimSuffix(variable.Value, "B"))
			if err != nil {
				t.Fatalf("GOMEMLIMIT=%s: %v", variable.Value, err)
			}
			return quantity.Value()
		}
	}
	t.Fatalf("%s has no GOMEMLIMIT", container.Name)
	return 0
}

func installedDeployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	text, err := os.ReadFile(installer)
	if err != nil {
		t.Fatal(err)
	}
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		deployment := &appsv1.Deployment{}
		if err := documents.Decode(deployment); errors.Is(err, io.EOF) {
			t.Fatalf("%s has no Deployment", installer)
		} else if err != nil {
			t.Fatal(err)
		}
		if deployment.Kind == "Deployment" {
			return deployment
		}
	}
}
