package controlplane_test

import (
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

func TestAControlPlaneStartsWithTheCRDsInstalled(t *testing.T) {
	cp, err := controlplane.Start(controlplane.Options{ControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	}()
	kubectl, err := cp.Kubectl(t.Context(), nil, "get", "checks", "--all-namespaces")
	if err != nil {
		t.Fatal(err)
	}
	output, err := kubectl.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "No resources found") {
		t.Errorf("kubectl get checks: %v: %s", err, output)
	}
}
