package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// world is what the API objects and the application are at one moment, and nothing of what the manager has
// made of them: the oracle computes from it alone what every alias must show.
type world struct {
	checks   map[string]v1alpha1.HealthCheck
	aliases  map[string]v1alpha1.AliasCheck
	services map[string]corev1.Service
	node     corev1.Node
	codes    map[string]int
}

const maintenanceAnnotation = "health.aliascheck.dev/maintenance"

// worstFirst is the order in which states are combined.
var worstFirst = []v1alpha1.State{
	v1alpha1.StateMaintenance, v1alpha1.StateCritical, v1alpha1.StateUnknown, v1alpha1.StateWarning, v1alpha1.StatePassing,
}

func worst(states []v1alpha1.State, none v1alpha1.State) v1alpha1.State {
	for _, candidate := range worstFirst {
		for _, state := range states {
			if state == candidate {
				return state
			}
		}
	}
	return none
}

func (w *world) check(name string) v1alpha1.State {
	check := w.checks[name]
	switch {
	case check.Annotations[maintenanceAnnotation] != "":
		return v1alpha1.StateMaintenance
	case w.codes[name] == http.StatusInternalServerError:
		return v1alpha1.StateCritical
	case w.codes[name] == http.StatusTooManyRequests:
		return v1alpha1.StateWarning
	default:
		return v1alpha1.StatePassing
	}
}

func (w *world) checksThat(count func(v1alpha1.HealthCheck) bool) (states []v1alpha1.State) {
	for name, check := range w.checks {
		if count(check) {
			states = append(states, w.check(name))
		}
	}
	return states
}

// alias is the state of an alias that was reached through others.
func (w *world) alias(name string, through ...string) v1alpha1.State {
	for _, passed := range through {
		if passed == name {
			return v1alpha1.StateCritical // a ring, or the way into one
		}
	}
	spec := w.aliases[name].Spec
	if spec.Selector != nil {
		team := string(spec.Selector.MatchLabels["team"])
		return worst(w.checksThat(func(c v1alpha1.HealthCheck) bool { return c.Labels["team"] == team }), spec.WhenEmpty)
	}
	missing, target := spec.WhenMissing, spec.TargetRef.Name
	switch spec.TargetRef.Kind {
	case "AliasCheck":
		if _, exists := w.aliases[target]; !exists {
			return missing
		}
		return w.alias(target, append(through, name)...)
	case "Service":
		service, exists := w.services[target]
		switch {
		case !exists:
			return missing
		case service.Annotations[maintenanceAnnotation] != "":
			return v1alpha1.StateMaintenance
		}
		return worst(w.checksThat(func(c v1alpha1.HealthCheck) bool {
			return c.Spec.ServiceRef != nil && c.Spec.ServiceRef.Name == target
		}), spec.WhenEmpty)
	case "Node":
		if w.node.Spec.Unschedulable {
			return v1alpha1.StateMaintenance
		}
		counted := w.checksThat(func(c v1alpha1.HealthCheck) bool { return c.Spec.NodeName == target })
		return worst(counted, v1alpha1.StatePassing)
	default:
		if _, exists := w.checks[target]; !exists {
			return missing
		}
		return w.check(target)
	}
}

// world reads all of it past the manager.
func (r *rig) world() *world {
	w := &world{
		checks: map[string]v1alpha1.HealthCheck{}, aliases: map[string]v1alpha1.AliasCheck{},
		services: map[string]corev1.Service{}, codes: r.app.snapshot(),
	}
	in := client.InNamespace(r.namespace)
	var checks v1alpha1.HealthCheckList
	r.Expect(direct.List(r.ctx, &checks, in)).To(Succeed())
	for _, check := range checks.Items {
		w.checks[check.Name] = check
	}
	var aliases v1alpha1.AliasCheckList
	r.Expect(direct.List(r.ctx, &aliases, in)).To(Succeed())
	for _, alias := range aliases.Items {
		w.aliases[alias.Name] = alias
	}
	var services corev1.ServiceList
	r.Expect(direct.List(r.ctx, &services, in)).To(Succeed())
	for _, service := range services.Items {
		w.services[service.Name] = service
	}
	r.Expect(direct.Get(r.ctx, client.ObjectKey{Name: r.namespace}, &w.node)).To(Succeed())
	return w
}

func TestEveryAliasIsWhatTheOracleComputesFromTheObjects(t *testing.T) {
	t.Parallel()
	seed := seedFromEnvironment()
	t.Logf("AC_SEED=%d runs the same operations", seed)
	r := newRig(t)
	makeHealthy, _, _ := r.node()
	makeHealthy()
	r.startManager()
	w := &workload{rig: r, random: rand.New(rand.NewPCG(seed, 0))}
	for range rounds(40, 1000) {
		for range 50 {
			w.operate()
		}
		r.Eventually(func() []string { return r.wrong() }).Should(BeEmpty(), "seed %d", seed)
	}
}

func seedFromEnvironment() uint64 {
	if seed, err := strconv.ParseUint(os.Getenv("AC_SEED"), 10, 64); err == nil {
		return seed
	}
	return uint64(time.Now().UnixNano())
}

// wrong are the aliases that differ from the oracle.
func (r *rig) wrong() (wrong []string) {
	w := r.world()
	for name, alias := range w.aliases {
		if want := w.alias(name); alias.Status.State != want {
			wrong = append(wrong, fmt.Sprintf("%s is %s (%s), and must be %s",
				name, alias.Status.State, alias.Status.Message, want))
		}
	}
	return wrong
}

// workload does at random what users do. Its names are few, so that they meet.
type workload struct {
	*rig
	random *rand.Rand
}

func (w *workload) pick(prefix string) string { return fmt.Sprintf("%s-%d", prefix, w.random.IntN(6)) }

func (w *workload) operate() {
	operations := []func(){
		w.createCheck, w.createCheck, w.createAlias, w.createAlias, w.createAlias, w.createService,
		w.flipCheck, w.flipCheck, w.flipCheck, w.relabel, w.annotateCheck, w.annotateService, w.cordon,
		func() { w.delete(w.healthCheck(w.pick("check"))) },
		func() { w.delete(w.aliasOf(w.pick("alias"))) },
		func() { w.delete(w.serviceNamed(w.pick("service"))) },
	}
	operations[w.random.IntN(len(operations))]()
}

// put creates what does not exist.
func (w *workload) put(object client.Object) {
	w.Expect(client.IgnoreAlreadyExists(direct.Create(w.ctx, object))).To(Succeed())
}

// change patches what exists.
func (w *workload) change(object client.Object, patch string) {
	w.Expect(client.IgnoreNotFound(direct.Patch(w.ctx, object, rawPatch(patch)))).To(Succeed())
}

func (w *workload) createCheck() {
	check := w.healthCheck(w.pick("check"))
	check.Labels = map[string]string{"team": w.pick("team")}
	switch w.random.IntN(3) {
	case 0:
		check.Spec.ServiceRef = &v1alpha1.LocalServiceReference{Name: w.pick("service")}
	case 1:
		check.Spec.NodeName = w.namespace
	}
	w.put(check)
}

func (w *workload) createAlias() {
	alias := w.aliasOf(w.pick("alias"))
	alias.Spec.WhenMissing = worstFirst[1+w.random.IntN(4)]
	alias.Spec.WhenEmpty = worstFirst[1+w.random.IntN(4)]
	switch w.random.IntN(5) {
	case 0:
		alias.Spec.TargetRef = &v1alpha1.TargetReference{Kind: "HealthCheck", Name: w.pick("check")}
	case 1:
		alias.Spec.TargetRef = &v1alpha1.TargetReference{Kind: "AliasCheck", Name: w.pick("alias")}
	case 2:
		alias.Spec.TargetRef = &v1alpha1.TargetReference{Kind: "Service", Name: w.pick("service")}
	case 3:
		alias.Spec.TargetRef = &v1alpha1.TargetReference{Kind: "Node", Name: w.namespace}
	default:
		team := v1alpha1.LabelValue(w.pick("team"))
		alias.Spec.TargetRef = nil
		alias.Spec.Selector = &v1alpha1.Selector{MatchLabels: map[string]v1alpha1.LabelValue{"team": team}}
	}
	w.put(alias)
}

func (w *workload) serviceNamed(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func (w *workload) createService() { w.put(w.serviceNamed(w.pick("service"))) }

func (w *workload) flipCheck() {
	codes := []int{http.StatusOK, http.StatusTooManyRequests, http.StatusInternalServerError}
	w.app.set(w.pick("check"), codes[w.random.IntN(len(codes))])
}

func (w *workload) relabel() {
	w.change(w.healthCheck(w.pick("check")), fmt.Sprintf(`{"metadata":{"labels":{"team":%q}}}`, w.pick("team")))
}

func (w *workload) annotateCheck()   { w.annotate(w.healthCheck(w.pick("check"))) }
func (w *workload) annotateService() { w.annotate(w.serviceNamed(w.pick("service"))) }

func (w *workload) annotate(object client.Object) {
	value := []string{"null", `"moving"`}[w.random.IntN(2)]
	w.change(object, fmt.Sprintf(`{"metadata":{"annotations":{%q:%s}}}`, maintenanceAnnotation, value))
}

func (w *workload) cordon() {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	w.change(node, fmt.Sprintf(`{"spec":{"unschedulable":%v}}`, w.random.IntN(3) == 0))
}
