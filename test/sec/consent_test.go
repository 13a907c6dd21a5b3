package sec

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Consent is asked of a namespace for looking at its status. With the flag it is asked for sending requests to it too.
func TestServicesOfOtherNamespacesAreProbedOnlyWithTheirConsent(t *testing.T) {
	g := NewWithT(t)
	started(t, "--require-probe-consent")
	home, abroad := newNamespace(t, "home"), newNamespace(t, "abroad")
	service := serviceAt(t, abroad, "192.0.2.7")
	own := serviceAt(t, home, "192.0.2.8")
	reached := map[string]*v1alpha1.HealthCheck{ // which nobody answers, but the first
		"outside":       probing(home, "outside", serverURL(t)),
		"own-address":   probing(home, "own-address", "http://"+own.Spec.ClusterIP),
		"own-endpoint":  probing(home, "own-endpoint", "http://192.0.2.8"),
		"own-name":      probing(home, "own-name", "http://web."+home+".svc"),
		"nobodys":       probing(home, "nobodys", "http://192.0.2.9"),
		"their-address": probing(abroad, "their-address", "http://"+service.Spec.ClusterIP),
	}
	refused := map[string]*v1alpha1.HealthCheck{
		"address":  probing(home, "address", "http://"+service.Spec.ClusterIP),
		"endpoint": probing(home, "endpoint", "http://192.0.2.7:9090"),
		"name":     probing(home, "name", "http://web."+abroad+".svc.cluster.local"),
		"short":    probing(home, "short", "http://web."+abroad),
		"absent":   probing(home, "absent", "http://none."+abroad+".svc"),
	}
	for _, checks := range []map[string]*v1alpha1.HealthCheck{reached, refused} {
		for _, check := range checks {
			create(t, check)
		}
	}
	for name, check := range refused {
		g.Eventually(live(t, check), patience).Should(reasonIs(v1alpha1.ReasonRefNotPermitted), name)
	}
	for name, check := range reached {
		g.Eventually(live(t, check), patience).Should(Or(reasonIs(v1alpha1.ReasonProbeFailed), stateIs(v1alpha1.StatePassing)), name)
	}

	create(t, &gatewayv1.ReferenceGrant{
		ObjectMeta: metav1.ObjectMeta{Namespace: abroad, Name: "probes"},
		Spec: gatewayv1.ReferenceGrantSpec{
			From: []gatewayv1.ReferenceGrantFrom{{
				Group: "health.aliascheck.dev", Kind: "HealthCheck", Namespace: gatewayv1.Namespace(home)}},
			To: []gatewayv1.ReferenceGrantTo{{Kind: "Service", Name: new(gatewayv1.ObjectName("web"))}},
		},
	})
	for _, name := range []string{"address", "endpoint", "name", "short"} {
		g.Eventually(live(t, refused[name]), patience).Should(reasonIs(v1alpha1.ReasonProbeFailed), name)
	}
	g.Expect(live(t, refused["absent"])(g)).To(reasonIs(v1alpha1.ReasonRefNotPermitted), "the grant is for web alone")
}

// serviceAt is a Service with one endpoint.
func serviceAt(t *testing.T, namespace, endpoint string) *corev1.Service {
	t.Helper()
	in := metav1.ObjectMeta{Namespace: namespace, Name: "web"}
	service := &corev1.Service{ObjectMeta: in, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	create(t, service)
	in.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	create(t, &discoveryv1.EndpointSlice{
		ObjectMeta: in, AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{endpoint}}},
		Ports:     []discoveryv1.EndpointPort{{Port: new(int32(80))}},
	})
	return service
}

func probing(namespace, name, url string) *v1alpha1.HealthCheck {
	return &v1alpha1.HealthCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.HealthCheckSpec{Interval: every(time.Second), Timeout: every(500 * time.Millisecond), FailureThreshold: 1,
			HTTP: &v1alpha1.HTTPProbe{URL: url}},
	}
}

func serverURL(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return server.URL
}

func reasonIs(reason string) OmegaMatcher { return HaveField("Status.Reason", reason) }
