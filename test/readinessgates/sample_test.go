package readinessgates

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// patience is generous: nothing here measures time.
const patience = time.Minute

func TestTheSampleRollsOutOnceItsDatabaseAnswersAndLeavesItsServiceWhileItDoesNot(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(patience)
	startManager(t, plane.Config, time.Minute)
	playKubelet(t, api, "shop")
	kubectl(t, "apply", "--filename", filepath.Join(controlplane.Root(), "config", "samples", "readinessgate.yaml"))

	// There is no cluster DNS here, so the database that the sample names does not answer.
	g.Eventually(wideList(t)).Should(MatchRegexp(`web-.* 1/1 .* 0/1\s`))
	if output, err := tryKubectl(t, "rollout", "status", "-n", "shop", "deployment/web", "--timeout=1s"); err == nil {
		t.Errorf("the rollout ended while the gates were closed: %s", output)
	}
	g.Expect(readyEndpoints(t)()).To(BeZero())

	database, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer database.Close()
	point := `{"spec":{"interval":"1s","timeout":"1s","tcp":{"address":%q}}}`
	kubectl(t, "patch", "-n", "shop", "healthcheck/db", "--type=merge", "--patch", fmt.Sprintf(point, database.Addr()))
	kubectl(t, "rollout", "status", "-n", "shop", "deployment/web", "--timeout=60s")
	g.Eventually(readyEndpoints(t)).Should(Equal(3))

	must(t, database.Close())
	g.Eventually(readyEndpoints(t)).Should(BeZero())
	pod := strings.Fields(kubectl(t, "get", "pods", "-n", "shop", "--selector", "app=web", "--output", "name"))[0]
	describe := func() string { return kubectl(t, "describe", "-n", "shop", pod) }
	g.Eventually(describe).Should(And(
		MatchRegexp(`Readiness Gates:\n\s+Type\s+Status\n\s+health.aliascheck.dev/web-needs-db\s+False`),
		MatchRegexp(`Warning\s+ReadinessGateChanged .* health.aliascheck.dev/web-needs-db is False: `+
			`AliasCheck web-needs-db is Critical \(ProbeFailed\): .*refused`)))

	open := `{"spec":{"targetRef":{"name":"nothing"},"whenMissing":"Passing"}}`
	kubectl(t, "patch", "-n", "shop", "aliascheck/web-needs-db", "--type=merge", "--patch", open)
	g.Eventually(readyEndpoints(t)).Should(Equal(3), "the gates open by an edit of the alias alone")
}

// readyEndpoints counts the endpoints of Service web that get traffic.
func readyEndpoints(t *testing.T) func() int {
	t.Helper()
	return func() int {
		slices := &discoveryv1.EndpointSliceList{}
		must(t, api.List(t.Context(), slices, client.InNamespace("shop"), client.MatchingLabels{discoveryv1.LabelServiceName: "web"}))
		ready := 0
		for _, slice := range slices.Items {
			for _, endpoint := range slice.Endpoints {
				if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
					ready++
				}
			}
		}
		return ready
	}
}

func wideList(t *testing.T) func() string {
	t.Helper()
	return func() string {
		return kubectl(t, "get", "pods", "-n", "shop", "--selector", "app=web", "--output", "wide")
	}
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	output, err := tryKubectl(t, args...)
	if err != nil {
		t.Fatalf("kubectl %q: %v: %s", args, err, output)
	}
	return output
}

func tryKubectl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	command, err := plane.Kubectl(t.Context(), nil, args...)
	must(t, err)
	output, err := command.CombinedOutput()
	return string(output), err
}
