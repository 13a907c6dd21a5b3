package controlplane

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// ReferenceGrantCRD is the file of the ReferenceGrant, of the version that the manager is built with.
func ReferenceGrantCRD() (string, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module of the Gateway API: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(module)),
		"config", "crd", "standard", "gateway.networking.k8s.io_referencegrants.yaml"), nil
}
