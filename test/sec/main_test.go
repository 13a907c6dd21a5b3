package sec

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

const (
	// patience is for what has no bound of its own.
	patience = time.Minute
	// installedMemory is the soft limit that the manager is installed with.
	installedMemory = "460MiB"
)

var (
	plane *controlplane.ControlPlane
	api   client.Client
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	grants, err := controlplane.ReferenceGrantCRD()
	if err == nil {
		plane, err = controlplane.Start(controlplane.Options{CRDs: []string{grants}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), gatewayv1.Install(scheme)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if api, err = client.New(plane.Config, client.Options{Scheme: scheme}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// started is a manager that ends with the test.
func started(t *testing.T, flags ...string) *blackbox.Manager {
	t.Helper()
	manager, err := blackbox.StartLimited(plane.Kubeconfig, installedMemory, flags...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := manager.WaitReady(ctx); err != nil {
		t.Fatal(errors.Join(err, manager.Kill()))
	}
	t.Cleanup(func() {
		if err := manager.Kill(); err != nil {
			t.Error(err)
		}
	})
	return manager
}

// newNamespace is one whose objects are deleted when the test ends, as nothing here deletes a namespace.
func newNamespace(t *testing.T, name string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"}}
	create(t, namespace)
	t.Cleanup(func() {
		for _, kind := range []client.Object{&v1alpha1.HealthCheck{}, &v1alpha1.AliasCheck{}, &corev1.Pod{}} {
			err := api.DeleteAllOf(context.Background(), kind, client.InNamespace(namespace.Name), client.GracePeriodSeconds(0))
			if err != nil {
				t.Error(err)
			}
		}
	})
	return namespace.Name
}

func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := api.Create(t.Context(), object); err != nil {
		t.Fatalf("creating %T %s: %.500v", object, object.GetName(), err)
	}
}

func live[T client.Object](t *testing.T, object T) func(Gomega) T {
	t.Helper()
	return func(g Gomega) T {
		g.Expect(api.Get(t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
		return object
	}
}

func metricsOf(t *testing.T, manager *blackbox.Manager) func() (string, error) {
	t.Helper()
	return func() (string, error) { return manager.Metrics(t.Context()) }
}

// metricOf is the value of a series, zero if it does not exist yet.
func metricOf(t *testing.T, manager *blackbox.Manager, series string) func(Gomega) float64 {
	t.Helper()
	return func(g Gomega) (value float64) {
		text, err := manager.Metrics(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		_, rest, found := strings.Cut(text, "\n"+series+" ")
		if found {
			_, err = fmt.Sscan(rest, &value)
			g.Expect(err).NotTo(HaveOccurred())
		}
		return value
	}
}

// writesOf these kinds that the manager has made.
func writesOf(t *testing.T, manager *blackbox.Manager, kinds ...string) func(Gomega) float64 {
	t.Helper()
	return func(g Gomega) (sum float64) {
		for _, kind := range kinds {
			sum += metricOf(t, manager, `aliascheck_status_writes_total{kind="`+kind+`",result="ok"}`)(g)
		}
		return sum
	}
}

func stateIs(state v1alpha1.State) OmegaMatcher { return HaveField("Status.State", state) }

func every(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func mebibytes(bytes int64) int64 { return bytes >> 20 }
