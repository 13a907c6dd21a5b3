package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Root is the folder of the project's go.mod. What was built with -trimpath, as the demo is, does not know where this file
// is, and is run there.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) {
		return "."
	}
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Binary is the path of one binary of the control plane: etcd, kube-apiserver, kube-controller-manager or kubectl.
func Binary(name string) (string, error) {
	for _, dir := range []string{os.Getenv("KUBEBUILDER_ASSETS"), filepath.Join(Root(), "bin", "controlplane")} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); dir != "" && err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is neither in $KUBEBUILDER_ASSETS nor in bin/controlplane: run `make controlplane`", name)
}
