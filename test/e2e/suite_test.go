package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

// patience is generous to a busy machine.
const patience = 60 * time.Second

// What all tests of this package share: one cluster, in which they have namespaces and managers of their own.
var (
	plane *controlplane.ControlPlane
	api   client.Client
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	if os.Getenv(mutates) != "" {
		return m.Run() // the process that changes what an informer shares needs no cluster
	}
	log.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme))
	if err == nil {
		plane, err = controlplane.Start(controlplane.Options{})
	}
	if err != nil {
		return failed(err)
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			code = failed(err)
		}
	}()
	if api, err = client.New(plane.Config, client.Options{Scheme: scheme}); err != nil {
		return failed(err)
	}
	return m.Run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func started(t *testing.T, flags ...string) *blackbox.Manager {
	t.Helper()
	manager, err := blackbox.Start(plane.Kubeconfig, flags...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := manager.WaitReady(ctx); err != nil {
		if err := manager.Kill(); err != nil {
			t.Error(err)
		}
		t.Fatal(err)
	}
	return manager
}

func healthy(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return server.URL
}

func newNamespace(t *testing.T) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "shop-"}}
	if err := api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

func newCheck(t *testing.T, namespace, url string, edits ...func(*v1alpha1.HealthCheck)) *v1alpha1.HealthCheck {
	t.Helper()
	check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}}
	check.Spec.HTTP = &v1alpha1.HTTPProbe{URL: url}
	for _, edit := range edits {
		edit(check)
	}
	if err := api.Create(t.Context(), check); err != nil {
		t.Fatal(err)
	}
	return check
}

func stateOf(t *testing.T, check *v1alpha1.HealthCheck) func() v1alpha1.State {
	t.Helper()
	return func() v1alpha1.State {
		live := &v1alpha1.HealthCheck{}
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(check), live); err != nil {
			t.Error(err)
		}
		return live.Status.State
	}
}

func metricsOf(t *testing.T, manager *blackbox.Manager) func() (string, error) {
	t.Helper()
	return func() (string, error) { return manager.Metrics(t.Context()) }
}

// passed is how many HTTP probes the text of a manager's metrics tells to have passed.
func passed(text string) (count float64) {
	const series = `aliascheck_probes_total{result="passed",type="http"} `
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, series); found {
			_, _ = fmt.Sscan(value, &count) // a value that cannot be read counts as none
		}
	}
	return count
}
