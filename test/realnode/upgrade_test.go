//go:build realnode

package realnode

import (
	"os"
	"testing"
)

const installer = "../../dist/install.yaml"

// upgrade goes back to the last release and on again, both under traffic. $LAST_RELEASE is its manifest, with the image of its
// manager where that could be built.
func upgrade(t *testing.T) {
	for _, step := range []struct{ name, manifest string }{
		{"back to the last release", os.Getenv("LAST_RELEASE")},
		{"on to the present version", installer},
	} {
		t.Run(step.name, func(t *testing.T) {
			underTraffic(t, func() {
				before := managerImages(t)
				must(t, "", "apply", "--filename="+step.manifest)
				must(t, "", "--namespace=aliascheck-system", "rollout", "status", "deployment/aliascheck-controller-manager", "--timeout=120s")
				if managerImages(t) == before {
					t.Errorf("it still runs %s", before)
				}
				timed(t, "one of the new replicas leads", func() bool { return isManager(t, leader(t)) })
			})
		})
	}
}

func managerImages(t *testing.T) string {
	t.Helper()
	return must(t, "", "--namespace=aliascheck-system", "get", "deployment/aliascheck-controller-manager",
		"--output=jsonpath={.spec.template.spec.containers[*].image}")
}

// isManager is false of a pod that is no longer there, or is about to end.
func isManager(t *testing.T, pod string) bool {
	t.Helper()
	if pod == "" {
		return false
	}
	ending, err := kubectl(t, "", "--namespace=aliascheck-system", "get", "pod/"+pod, "--output=jsonpath={.metadata.deletionTimestamp}")
	return err == nil && ending == ""
}
