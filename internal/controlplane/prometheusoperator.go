package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// prometheusOperator has the CRDs of ServiceMonitor and PrometheusRule in it.
const prometheusOperator = "github.com/prometheus-operator/prometheus-operator@v0.85.0"

// PrometheusOperatorCRDs is the folder with the CRDs of the Prometheus Operator, whose module is downloaded if need be.
func PrometheusOperatorCRDs() (string, error) {
	var module struct{ Dir, Error string }
	output, err := exec.Command("go", "mod", "download", "-json", prometheusOperator).Output()
	if err := errors.Join(err, json.Unmarshal(output, &module)); err != nil {
		return "", fmt.Errorf("downloading %s: %w: %s", prometheusOperator, err, module.Error)
	}
	return filepath.Join(module.Dir, "example", "prometheus-operator-crd"), nil
}
