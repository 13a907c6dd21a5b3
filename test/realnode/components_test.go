//go:build realnode

package realnode

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

// overlay is the folder of a kustomization of the installation with components, below lines of its own.
func overlay(t *testing.T, lines string, components ...string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	relative := func(path string) string {
		relative, err := filepath.Rel(folder, filepath.Join(root, "config", path))
		if err != nil {
			t.Fatal(err)
		}
		return relative
	}
	lines += "resources: [" + relative("default") + "]\ncomponents:\n"
	for _, component := range components {
		lines += "- " + relative("components/"+component) + "\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

const (
	metricsService = "aliascheck-controller-manager-metrics"
	metricsHost    = metricsService + ".aliascheck-system.svc"
)

// complete is an installation with every component that adds something to run, or holds what runs.
func complete(t *testing.T) {
	trusted := metricsCertificate(t)
	folder := overlay(t, "", "job-probes", "metrics-certificate", "network-policy", "admission-policy", "wallboard")
	underTraffic(t, func() {
		for range 2 {
			must(t, "", "apply", "-k", folder)
		}
		for _, deployment := range []string{"aliascheck-controller-manager", "aliascheck-wallboard"} {
			must(t, "", "--namespace=aliascheck-system", "rollout", "status", "deployment/"+deployment, "--timeout=120s")
		}
	})
	timed(t, "the metrics have the certificate of the Secret", func() bool {
		connection, err := tls.Dial("tcp", addressOf(t, metricsService)+":8443", &tls.Config{RootCAs: trusted, ServerName: metricsHost})
		if err != nil {
			return false
		}
		return connection.Close() == nil
	})
	timed(t, "the wallboard shows the checks", func() bool {
		shown := firstMessage("http://" + addressOf(t, "aliascheck-wallboard") + ":8080/api/stream")
		return strings.Contains(shown, `"web-needs-db"`) && strings.Contains(shown, `"problems":[]`)
	})
	must(t, "", "create", "namespace", "elsewhere")
	must(t, strings.ReplaceAll(jobThat("exits-0", "localhost/web:1", "0", "Never"), "namespace: shop", "namespace: elsewhere"),
		"apply", "-f", "-")
	timed(t, "a Job of a namespace without a RoleBinding passes", func() bool {
		return must(t, "", "--namespace=elsewhere", "get", "healthcheck/exits-0", "--output=jsonpath={.status.state}") == "Passing"
	})
	gatesUnderTraffic(t)
}

// metricsCertificate makes the Secret of the component, and returns those that trust it.
func metricsCertificate(t *testing.T) *x509.CertPool {
	t.Helper()
	certificate, key, err := certutil.GenerateSelfSignedCertKey(metricsHost, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, content := range map[string][]byte{"tls.crt": certificate, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "", "--namespace=aliascheck-system", "create", "secret", "tls", "aliascheck-metrics-certificate",
		"--cert="+filepath.Join(folder, "tls.crt"), "--key="+filepath.Join(folder, "tls.key"))
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(certificate) {
		t.Fatal("the certificate cannot be read")
	}
	return trusted
}

// addressOf is the ClusterIP of an installed Service.
func addressOf(t *testing.T, service string) string {
	t.Helper()
	return must(t, "", "--namespace=aliascheck-system", "get", "service/"+service, "--output=jsonpath={.spec.clusterIP}")
}

// firstMessage is the first one of a stream of events, or nothing.
func firstMessage(address string) string {
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(address)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "data: ") {
			return line
		}
	}
}
