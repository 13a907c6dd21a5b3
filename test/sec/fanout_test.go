package sec

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// 1,500 aliases of one check that flaps made a neighbour's alias follow up to ten seconds late, and his gate a minute.
func TestAFlappingCheckWithHundredsOfAliasesDelaysNobodyElses(t *testing.T) {
	manager, quiet, noisy := besideANeighbour(t)
	const aliases = 400
	for i := range aliases {
		create(t, aliasOf(noisy, fmt.Sprintf("follows-%03d", i), "flaps"))
	}
	create(t, flapping(t, noisy, "flaps"))
	writes := writesOf(t, manager, "AliasCheck")
	NewWithT(t).Eventually(writes, patience).Should(BeNumerically(">", 2*aliases), "writes of the noisy namespace")
	quiet.noticesNothing()
	quiet.hasAnEvent()
}

// Each of them has something to write every second.
func TestHundredsOfFlappingChecksDelayNobodyElses(t *testing.T) {
	manager, quiet, noisy := besideANeighbour(t)
	const checks = 300
	for i := range checks {
		create(t, flapping(t, noisy, fmt.Sprintf("flaps-%03d", i)))
	}
	NewWithT(t).Eventually(writesOf(t, manager, "HealthCheck"), patience).Should(BeNumerically(">", 2*checks))
	quiet.noticesNothing()
}

// One alias that flaps, and a patch of each of these pods every second.
func TestHundredsOfPodsOnAFlappingGateDelayNobodyElses(t *testing.T) {
	manager, quiet, noisy := besideANeighbour(t)
	const pods = 300
	for i := range pods {
		pod := gatedPod(noisy, "db")
		pod.Name = fmt.Sprintf("gated-%03d", i)
		create(t, pod)
	}
	create(t, aliasOf(noisy, "db", "flaps"))
	create(t, flapping(t, noisy, "flaps"))
	NewWithT(t).Eventually(writesOf(t, manager, "Pod"), patience).Should(BeNumerically(">", 2*pods))
	quiet.noticesNothing()
}

// Probes that hang hold slots for as long as they may. A check of another namespace that is slow, and well, was Unknown after
// two minutes.
func TestChecksThatHangLeaveSlotsToTheSlowOnesOfOthers(t *testing.T) {
	g := NewWithT(t)
	manager := started(t, "--max-concurrent-probes=64")
	noisy := newNamespace(t, "noisy")
	var hanging atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hanging.Add(1)
		<-r.Context().Done()
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	const slots = 36 // of one namespace, for slow probes
	for i := range 2 * slots {
		check := probing(noisy, fmt.Sprintf("hangs-%02d", i), server.URL)
		check.Spec.Interval, check.Spec.Timeout = every(time.Minute), every(time.Minute)
		create(t, check)
	}
	g.Eventually(hanging.Load, patience).Should(BeNumerically(">=", slots), "probes that hang")

	quiet := newNeighbour(t, manager, func(n *neighbour) { n.delay, n.check.Spec.Interval = 1200*time.Millisecond, every(2*time.Second) })
	quiet.noticesNothing()
}

// 60 checks of a Lease of a megabyte read it 60 times a second, for as long as they were there.
func TestALargeLeaseIsReadTwiceASecondHoweverManyChecksNeedIt(t *testing.T) {
	g := NewWithT(t)
	manager, quiet, noisy := besideANeighbour(t)
	create(t, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: "worker"},
		Spec: coordinationv1.LeaseSpec{
			RenewTime: new(metav1.NowMicro()), HolderIdentity: new(strings.Repeat("x", 1_300_000))},
	})
	const checks = 60
	for i := range checks {
		create(t, &v1alpha1.HealthCheck{
			ObjectMeta: metav1.ObjectMeta{Namespace: noisy, Name: fmt.Sprintf("beats-%02d", i)},
			Spec: v1alpha1.HealthCheckSpec{Interval: every(time.Second), FailureThreshold: 1,
				Heartbeat: &v1alpha1.HeartbeatProbe{LeaseName: "worker", TTL: every(time.Hour)}},
		})
	}
	probes, reads := metricOf(t, manager, `aliascheck_probes_total{result="passed",type="heartbeat"}`),
		metricOf(t, manager, `rest_client_requests_total{code="200",host="`+plane.Config.Host[len("https://"):]+`",method="GET"}`)
	g.Eventually(probes, patience).Should(BeNumerically(">", checks))
	probed, read, since := probes(g), reads(g), time.Now()
	g.Eventually(probes, patience).Should(BeNumerically(">", probed+5*checks))
	seconds := time.Since(since).Seconds()
	g.Expect(reads(g)-read).To(BeNumerically("<", 4*seconds+20), "reads in %.0f s, of %d checks", seconds, checks)
	quiet.noticesNothing()
}

// flapping is a check whose state changes with every probe.
func flapping(t *testing.T, namespace, name string) *v1alpha1.HealthCheck {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	return probing(namespace, name, server.URL)
}

func aliasOf(namespace, name, check string) *v1alpha1.AliasCheck {
	return &v1alpha1.AliasCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.AliasCheckSpec{TargetRef: &v1alpha1.TargetReference{Kind: "HealthCheck", Name: check}},
	}
}

// hasAnEvent: the flood of Events of another namespace keeps his waiting for no longer than others of his own.
func (n *neighbour) hasAnEvent() {
	n.t.Helper()
	NewWithT(n.t).Eventually(func(g Gomega) []eventsv1.Event {
		list := &eventsv1.EventList{}
		g.Expect(api.List(n.t.Context(), list, client.InNamespace(n.alias.Namespace))).To(Succeed())
		return list.Items
	}, patience).Should(ContainElement(And(
		HaveField("Reason", v1alpha1.EventStateChanged), HaveField("Regarding.Kind", "AliasCheck"))))
}

// Each of the aliases combines all of the checks, and is concerned whenever one of them flaps.
func TestAliasesThatSelectFlappingChecksDelayNobodyElses(t *testing.T) {
	manager, quiet, noisy := besideANeighbour(t)
	const aliases, checks = 300, 150
	for i := range aliases {
		alias := aliasOf(noisy, fmt.Sprintf("selects-%03d", i), "")
		alias.Spec = v1alpha1.AliasCheckSpec{Selector: &v1alpha1.Selector{}}
		create(t, alias)
	}
	for i := range checks {
		create(t, flapping(t, noisy, fmt.Sprintf("flaps-%03d", i)))
	}
	NewWithT(t).Eventually(writesOf(t, manager, "HealthCheck"), patience).Should(BeNumerically(">", 2*checks))
	quiet.noticesNothing()
}
