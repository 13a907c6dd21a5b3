package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aliascheck/aliascheck/test/blackbox"
)

// A replica that starts before its node's network is whole must not end: each end makes the kubelet wait longer.
func TestAManagerThatStartsBeforeTheAPIServerCanBeReachedWaitsForIt(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(patience)
	address, err := blackbox.FreeAddress()
	g.Expect(err).NotTo(HaveOccurred())
	manager, err := blackbox.Start(kubeconfigFor(t, "https://"+address))
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = manager.Kill() })

	const once = "The API server cannot be reached"
	g.Eventually(manager.Log).Should(ContainSubstring(once))
	g.Eventually(statusCode("http://" + manager.HealthAddress + "/healthz")).Should(Equal(http.StatusOK))
	g.Expect(statusCode("http://" + manager.HealthAddress + "/readyz")()).To(Equal(http.StatusServiceUnavailable))

	tried := forward(t, address)
	g.Eventually(tried).Should(Receive())
	g.Expect(manager.WaitReady(t.Context())).To(Succeed())
	g.Expect(strings.Count(manager.Log(), once)).To(Equal(1), "it says so once")
	g.Expect(manager.Log()).To(ContainSubstring("The API server can be reached"))
	g.Expect(manager.Stop()).To(Succeed())
}

func TestAManagerThatWaitsForTheAPIServerEndsWhenItIsTold(t *testing.T) {
	g := NewWithT(t)
	address, err := blackbox.FreeAddress()
	g.Expect(err).NotTo(HaveOccurred())
	manager, err := blackbox.Start(kubeconfigFor(t, "https://"+address))
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(manager.Log, patience).Should(ContainSubstring("The API server cannot be reached"))
	g.Expect(manager.Stop()).To(Succeed())
}

// The manager asks for its kinds before it starts anything, without a bound on how long that may take.
func TestSIGTERMEndsAManagerThatStartsWithinTenSecondsThoughTheAPIServerHangs(t *testing.T) {
	g := NewWithT(t)
	hangs := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/version" {
			_, _ = io.WriteString(w, `{"major": "1", "minor": "37"}`)
			return
		}
		select {
		case hangs <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	manager, err := blackbox.Start(kubeconfigFor(t, server.URL))
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = manager.Kill() })
	g.Eventually(hangs, patience).Should(Receive())
	g.Expect(manager.Signal(syscall.SIGTERM)).To(Succeed())
	g.Eventually(manager.Ended(), 10*time.Second).Should(BeClosed())
}

func TestProfilesAreServedWhereTheFlagSaysSo(t *testing.T) {
	g := NewWithT(t)
	address, err := blackbox.FreeAddress()
	g.Expect(err).NotTo(HaveOccurred())
	manager := started(t, "--pprof-bind-address="+address)
	g.Eventually(statusCode("http://"+address+"/debug/pprof/"), patience).Should(Equal(http.StatusOK))
	g.Expect(manager.Stop()).To(Succeed())
}

// kubeconfigFor is the administrator's, with the API server at another URL.
func kubeconfigFor(t *testing.T, server string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(plane.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, cluster := range config.Clusters {
		cluster.Server = server
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// forward listens at an address and passes all bytes on to the API server. It tells of each connection.
func forward(t *testing.T, address string) <-chan struct{} {
	t.Helper()
	server, err := url.Parse(plane.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	if server.Host == "" { // the host of a rest.Config may be an address alone
		server.Host = plane.Config.Host
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	accepted := make(chan struct{}, 100)
	go func() {
		for {
			incoming, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- struct{}{}
			go join(t.Context(), incoming, server.Host)
		}
	}()
	return accepted
}

func join(ctx context.Context, incoming net.Conn, address string) {
	outgoing, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		_ = incoming.Close()
		return
	}
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		_ = from.Close()
	}
	go pass(outgoing, incoming)
	go pass(incoming, outgoing)
}

// statusCode is that of a GET; 0 where there is no answer.
func statusCode(address string) func() int {
	return func() int {
		response, err := http.Get(address)
		if err != nil {
			return 0
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
}

func TestTheMetricsCertificateIsReadAgainWhenItChanges(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(patience)
	folder := t.TempDir()
	first, err := blackbox.WriteCertificate(folder)
	g.Expect(err).NotTo(HaveOccurred())
	manager := started(t, "--metrics-secure", "--metrics-cert-path="+folder)
	address := manager.MetricsAddress
	g.Eventually(blackbox.Handshake(t.Context(), address, first)).Should(Succeed())
	second, err := blackbox.WriteCertificate(folder)
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(blackbox.Handshake(t.Context(), address, second)).Should(Succeed())
	g.Expect(blackbox.Handshake(t.Context(), address, first)()).NotTo(Succeed(), "the old one is served no longer")
	g.Expect(manager.Stop()).To(Succeed())
}
