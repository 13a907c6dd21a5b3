package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

func TestABadFlagIsOneClearLineAndExitCode2(t *testing.T) {
	binary, err := blackbox.Binary()
	if err != nil {
		t.Fatal(err)
	}
	for flag, says := range map[string]string{
		"--bogus":                                   "-bogus",
		"--resync-interval=0":                       "--resync-interval",
		"--resync-interval=soon":                    "resync-interval",
		"--sweep-interval=-1m":                      "--sweep-interval",
		"--max-concurrent-probes=0":                 "--max-concurrent-probes",
		"--probe-allow-cidrs=10.0.0.0":              "--probe-allow-cidrs",
		"--probe-deny-cidrs=10.0.0.0/33":            "--probe-deny-cidrs",
		"--namespaces=Shop":                         "--namespaces",
		"--probe-methods=get":                       "--probe-methods",
		"--shard=A":                                 "--shard",
		"--cluster-scoped-targets=nodes":            "--cluster-scoped-targets",
		"--require-probe-consent --namespaces=shop": "--require-probe-consent",
		"--leader-elect":                            "--leader-election-namespace",
		"--metrics-bind-address=nowhere":            "--metrics-bind-address",
		"--health-probe-bind-address=1:2:3":         "--health-probe-bind-address",
		"--pprof-bind-address=nowhere":              "--pprof-bind-address",
		"--kubeconfig=/nonexistent":                 "--kubeconfig",
		"--metrics-cert-path=/nonexistent":          "--metrics-cert-path",
		"--zap-log-level=loud":                      "zap-log-level",
		"leader-elect":                              "leader-elect",
	} {
		t.Run(flag, func(t *testing.T) {
			output, err := exec.CommandContext(t.Context(), binary, strings.Fields(flag)...).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("it ends with %v, want exit code 2", err)
			}
			text := string(output)
			if strings.Count(text, "\n") != 1 || !strings.Contains(text, says) {
				t.Errorf("it prints %q, want one line that says %q", text, says)
			}
		})
	}
}

func TestSIGTERMEndsTheProcessWithinTenSecondsThoughProbesHang(t *testing.T) {
	g := NewWithT(t)
	asked := make(chan struct{}, 1)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(hanging.Close)
	manager := started(t)
	newCheck(t, newNamespace(t), hanging.URL, func(check *v1alpha1.HealthCheck) {
		check.Spec.Interval = &metav1.Duration{Duration: time.Hour}
		check.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
	})
	g.Eventually(asked, patience).Should(Receive())
	g.Expect(manager.Stop()).To(Succeed(), "it fails ten seconds after SIGTERM")
}

func TestSIGTERMEndsALeaderWithinTenSecondsThoughTheAPIServerHangs(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	manager := started(t, "--leader-elect", "--leader-election-namespace="+namespace)
	newCheck(t, namespace, healthy(t))
	g.Eventually(metricsOf(t, manager), patience).Should(ContainSubstring(`aliascheck_probes_total{result="passed",type="http"}`))
	apiserver, err := plane.Process("kube-apiserver")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(apiserver.Signal(syscall.SIGSTOP)).To(Succeed())
	t.Cleanup(func() { g.Expect(apiserver.Signal(syscall.SIGCONT)).To(Succeed()) })
	g.Expect(manager.Signal(syscall.SIGTERM)).To(Succeed())
	g.Eventually(manager.Ended(), 10*time.Second).Should(BeClosed())
}

func TestAMetricVanishesWithItsObject(t *testing.T) {
	g := NewWithT(t)
	manager := started(t)
	t.Cleanup(func() { g.Expect(manager.Stop()).To(Succeed()) })
	check := newCheck(t, newNamespace(t), healthy(t))
	series := fmt.Sprintf(`aliascheck_state{kind="HealthCheck",name="web",namespace="%s",state="Passing"} 1`, check.Namespace)
	g.Eventually(metricsOf(t, manager), patience).Should(ContainSubstring(series))
	g.Expect(api.Delete(t.Context(), check)).To(Succeed())
	g.Eventually(metricsOf(t, manager), patience).ShouldNot(ContainSubstring(check.Namespace))
}

func TestAManagerKeepsToItsNamespaces(t *testing.T) {
	g := NewWithT(t)
	mine, others := newNamespace(t), newNamespace(t)
	manager := started(t, "--namespaces="+mine, "--readiness-gates=false")
	t.Cleanup(func() { g.Expect(manager.Stop()).To(Succeed()) })
	other := newCheck(t, others, healthy(t))
	check := newCheck(t, mine, healthy(t))
	g.Eventually(stateOf(t, check), patience).Should(Equal(v1alpha1.StatePassing))
	g.Expect(stateOf(t, other)()).To(Equal(v1alpha1.StateUnknown))
}
