package uninstall

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/controllers/readinessgate"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

const (
	gate      = "health.aliascheck.dev/front"
	namespace = "default"
	pods      = 5
	// rounds: without the look at the CRD three of four closed the gates.
	rounds = 10
)

func TestUninstallingClosesNoGate(t *testing.T) {
	u := newUninstallation(t)
	for range rounds {
		u.install()
		u.startManager()
		u.gatesAre(corev1.ConditionFalse) // those of the round before are open, and there is no alias yet
		u.createChecks("web")
		u.gatesAre(corev1.ConditionTrue)
		u.deleteCRDs()
		u.managerHasSeenIt()
		u.Expect(u.closed()).To(BeEmpty())
		u.gatesAre(corev1.ConditionTrue)
		u.stopManager()
	}
}

// A manager that may not read CRDs asks discovery: it is told while the CRD is being deleted, and when it is gone.
func TestDiscoveryTellsOfAnUninstallationToo(t *testing.T) {
	u := newUninstallation(t)
	u.install()
	served, err := discovery.NewDiscoveryClientForConfig(u.plane.Config)
	u.Expect(err).NotTo(HaveOccurred())
	underWay := func() (bool, error) { return readinessgate.Uninstall{Discovery: served}.UnderWay(u.ctx) }
	u.Eventually(underWay).Should(BeFalse())

	crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "aliaschecks.health.aliascheck.dev"}}
	finalizers := func(names string) client.Patch {
		return client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"finalizers": [`+names+`]}}`))
	}
	u.Expect(u.api.Patch(u.ctx, crd, finalizers(`"example.com/holds-it"`))).To(Succeed())
	u.Expect(u.api.Delete(u.ctx, crd)).To(Succeed())
	u.Eventually(underWay).Should(BeTrue(), "it is being deleted")
	u.Expect(u.api.Patch(u.ctx, crd, finalizers(""))).To(Succeed())
	u.Eventually(func() error { return u.api.Get(u.ctx, client.ObjectKeyFromObject(crd), crd) }).
		Should(Satisfy(apierrors.IsNotFound))
	u.Eventually(underWay).Should(BeTrue(), "it is gone")
}

// Gates are kept while the kind goes, and not for good: those of a new installation are followed again.
func TestGatesAreFollowedAgainAfterANewInstallation(t *testing.T) {
	u := newUninstallation(t)
	u.install()
	u.startManager()
	u.gatesAre(corev1.ConditionFalse)
	u.createChecks("web")
	u.gatesAre(corev1.ConditionTrue)
	u.deleteCRDs()
	u.managerHasSeenIt()
	u.install()
	u.createChecks("nothing")
	u.gatesAre(corev1.ConditionFalse)
	u.stopManager()
}

// uninstallation is a control plane with gated pods, on which the CRDs come and go.
type uninstallation struct {
	Gomega
	t       *testing.T
	ctx     context.Context
	plane   *controlplane.ControlPlane
	api     client.WithWatch
	web     string
	manager *blackbox.Manager

	mu sync.Mutex
	// shut is guarded by mu: the gates that were seen to close.
	shut []string
}

func newUninstallation(t *testing.T) *uninstallation {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(2 * time.Minute)
	g.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	u := &uninstallation{Gomega: g, t: t, ctx: t.Context()}
	var err error
	u.plane, err = controlplane.Start(controlplane.Options{Bare: true})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(u.plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, v1alpha1.AddToScheme, apiextensionsv1.AddToScheme,
	} {
		g.Expect(add(scheme)).To(Succeed())
	}
	u.api, err = client.NewWithWatch(u.plane.Config, client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(web.Close)
	u.web = web.URL
	for i := range pods {
		u.createPod(fmt.Sprintf("gated-%d", i))
	}
	u.watchGates()
	return u
}

func (u *uninstallation) createPod(name string) {
	u.Expect(u.api.Create(u.ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			ReadinessGates:               []corev1.PodReadinessGate{{ConditionType: gate}},
			Containers:                   []corev1.Container{{Name: "web", Image: "registry.example.com/web:1"}},
		},
	})).To(Succeed())
}

// watchGates notes each gate that turns from True to anything else.
func (u *uninstallation) watchGates() {
	watch, err := u.api.Watch(u.ctx, &corev1.PodList{}, client.InNamespace(namespace))
	u.Expect(err).NotTo(HaveOccurred())
	go func() {
		open := map[string]bool{}
		for event := range watch.ResultChan() {
			pod, isPod := event.Object.(*corev1.Pod)
			if !isPod {
				continue
			}
			for _, condition := range pod.Status.Conditions {
				if condition.Type == gate {
					u.note(pod.Name, open[pod.Name], condition)
					open[pod.Name] = condition.Status == corev1.ConditionTrue
				}
			}
		}
	}()
}

func (u *uninstallation) note(pod string, wasOpen bool, condition corev1.PodCondition) {
	if !wasOpen || condition.Status == corev1.ConditionTrue {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.shut = append(u.shut, fmt.Sprintf("%s %s %s", pod, condition.Reason, condition.Message))
}

func (u *uninstallation) closed() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.shut
}

// forgetClosed begins a new round: at the start of a manager there was no alias yet, and it was right to close the gates.
func (u *uninstallation) forgetClosed() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.shut = nil
}

func (u *uninstallation) install() {
	_, err := envtest.InstallCRDs(u.plane.Config, envtest.CRDInstallOptions{
		Paths: []string{filepath.Join(controlplane.Root(), "config", "crd", "bases")},
	})
	u.Expect(err).NotTo(HaveOccurred())
}

func (u *uninstallation) startManager(flags ...string) {
	var err error
	u.manager, err = blackbox.Start(u.plane.Kubeconfig, append(flags, "--zap-log-level=debug")...)
	u.Expect(err).NotTo(HaveOccurred())
	u.t.Cleanup(func() { _ = u.manager.Kill() })
	u.Expect(u.manager.WaitReady(u.ctx)).To(Succeed())
}

// stopManager waits until the manager has ended, and with it all that it may write.
func (u *uninstallation) stopManager() { u.Expect(u.manager.Stop()).To(Succeed()) }

// createChecks makes the HealthCheck web, and the alias that the pods are gated on, of a target. What was created a moment
// after its CRD may be refused for a while.
func (u *uninstallation) createChecks(target string) {
	for _, check := range []client.Object{
		&v1alpha1.HealthCheck{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
			Spec: v1alpha1.HealthCheckSpec{
				Interval: &metav1.Duration{Duration: time.Second}, HTTP: &v1alpha1.HTTPProbe{URL: u.web},
			},
		},
		&v1alpha1.AliasCheck{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "front"},
			Spec:       v1alpha1.AliasCheckSpec{TargetRef: &v1alpha1.TargetReference{Name: target}},
		},
	} {
		u.Eventually(func() error { return u.api.Create(u.ctx, check.DeepCopyObject().(client.Object)) }).Should(Succeed())
	}
}

func (u *uninstallation) gatesAre(status corev1.ConditionStatus) {
	u.Eventually(func(g Gomega) {
		list := &corev1.PodList{}
		g.Expect(u.api.List(u.ctx, list, client.InNamespace(namespace))).To(Succeed())
		g.Expect(list.Items).To(HaveLen(pods))
		for i := range list.Items {
			g.Expect(list.Items[i].Status.Conditions).To(ContainElement(And(
				HaveField("Type", BeEquivalentTo(gate)), HaveField("Status", status))), list.Items[i].Name)
		}
	}).Should(Succeed())
}

// deleteCRDs deletes them in the order of dist/install.yaml, and waits until they are gone, as kubectl does.
func (u *uninstallation) deleteCRDs() {
	u.forgetClosed()
	list := &apiextensionsv1.CustomResourceDefinitionList{}
	u.Expect(u.api.List(u.ctx, list)).To(Succeed())
	for i := range list.Items {
		u.Expect(u.api.Delete(u.ctx, &list.Items[i])).To(Succeed())
	}
	for i := range list.Items {
		u.Eventually(func() bool {
			return apierrors.IsNotFound(u.api.Get(u.ctx, client.ObjectKeyFromObject(&list.Items[i]), &apiextensionsv1.CustomResourceDefinition{}))
		}).Should(BeTrue(), list.Items[i].Name)
	}
}

// managerHasSeenIt waits until the manager has kept each gate although its alias is gone; or has lost its watch of aliases
// before it saw that; or has done what it must not.
func (u *uninstallation) managerHasSeenIt() {
	u.Eventually(func() bool {
		return len(u.closed()) > 0 || u.kept() == pods || strings.Contains(u.manager.Log(), "could not find the requested resource")
	}).Should(BeTrue(), u.manager.Log)
}

// kept counts the pods of which the manager has told that their gates stay as they are.
func (u *uninstallation) kept() int {
	names := map[string]bool{}
	for line := range strings.Lines(u.manager.Log()) {
		for i := range pods {
			name := fmt.Sprintf(`"name":"gated-%d"`, i)
			if strings.Contains(line, "gates stay as they are") && strings.Contains(line, `"due":"AliasNotFound"`) && strings.Contains(line, name) {
				names[name] = true
			}
		}
	}
	return len(names)
}
