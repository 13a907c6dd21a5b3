package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// I1, I5 and I8, of everything that users do: after each quiet period every status is what the oracle says.
func TestI1I5I8EveryStatusIsWhatTheOracleComputesFromTheObjects(t *testing.T) {
	t.Parallel()
	seed := seedFromEnvironment(t)
	r := newRig(t)
	makeHealthy, _, _ := r.node()
	makeHealthy()
	elsewhere := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.namespace + "-elsewhere"}}
	r.create(elsewhere)
	r.install(widgetKind)
	w := &workload{
		rig: r, random: rand.New(rand.NewPCG(seed, 0)), namespaces: []string{r.namespace, elsewhere.Name},
		done: map[string]int{}, seen: map[string]int{},
	}
	r.startManager("--namespaces=" + r.namespace + "," + elsewhere.Name)
	more := func(period int, began time.Time) bool {
		return period < 8 || time.Since(began) < soakFor || period < 120 && len(w.unseen()) > 0
	}
	for began, period := time.Now(), 0; more(period, began); period++ {
		for range 50 {
			w.operate()
		}
		r.Eventually(w.wrong).WithPolling(seldom).Should(BeEmpty(), "AC_SEED=%d, period %d", seed, period)
		w.remember()
	}
	t.Logf("operations: %v", w.done)
	t.Logf("shown after quiet periods: %v", w.seen)
	r.Expect(w.unseen()).To(BeEmpty(), "reasons that no alias had, so that nothing was compared with them")
}

// reachable are the reasons that an alias can have in this workload.
var reachable = []string{
	"AliasCycle", "AllPassing", "BecauseFalse", "BecauseTrue", "BecauseUnknown", "ConditionNotFound", "CriticalChecks",
	"Maintenance", "MaintenanceChecks", "NoChecks", "NoReadyEndpoints", "NoVerdict", "PartlyReady", "ProbeFailed", "ProbeSucceeded",
	"ProbeWarning", "Red", "RefNotPermitted", "Suspended", "TargetNotFound", "Terminating", "TooFewChecks", "UnknownChecks",
	"WarningChecks",
}

// unseen are those that no alias has had yet. A seed that is late with one gets some more operations.
func (w *workload) unseen() (reasons []string) {
	for _, reason := range reachable {
		if w.seen[reason] == 0 {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// seedFromEnvironment is given by AC_SEED, and printed to be given.
func seedFromEnvironment(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("AC_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("AC_SEED must be a number from 0 on, and is %q", given) // another seed would repeat nothing
		}
	}
	t.Logf("AC_SEED=%d does the same", seed)
	return seed
}

// workload does at random what users do. Its names are few, so that they meet.
type workload struct {
	*rig
	random     *rand.Rand
	namespaces []string
	done       map[string]int // operations by name
	seen       map[string]int // reasons of aliases
}

// remember counts what was shown, so that a log tells what a run has tested.
func (w *workload) remember() {
	for _, alias := range w.world().aliases {
		w.seen[alias.Status.Reason]++
	}
}

// wrong are the checks whose status differs from the oracle's, or is of an older spec.
func (w *workload) wrong() (wrong []string) {
	world := w.world()
	compare := func(kind string, check v1alpha1.Check, culprit string, want shown) {
		status := check.CommonStatus()
		got := fmt.Sprint(status.State, status.Reason, culprit, status.ObservedGeneration, conditionsOf(status))
		must := fmt.Sprint(want.state, want.reason, want.culprit, check.GetGeneration(), conditions(kind, want))
		if got != must {
			wrong = append(wrong, fmt.Sprintf("%s is %s (%s), and must be %s", called(kind, check), got, status.Message, must))
		}
	}
	for _, check := range world.checks {
		want := world.check(check)
		want.culprit = "" // it answers for itself
		compare("HealthCheck", &check, "", want)
	}
	for _, alias := range world.aliases {
		compare("AliasCheck", &alias, blamed(alias.Status.Culprit), world.alias(alias))
	}
	return append(wrong, world.misjudged()...)
}

func blamed(culprit *v1alpha1.Culprit) string {
	if culprit == nil {
		return ""
	}
	return culprit.Kind + " " + culprit.Namespace + "/" + culprit.Name
}

// conditionsOf are those of a status, as type, status and reason, and as of an older generation if they are.
func conditionsOf(status *v1alpha1.CheckStatus) (all []string) {
	for _, condition := range status.Conditions {
		text := fmt.Sprintf("%s=%s %s", condition.Type, condition.Status, condition.Reason)
		if condition.ObservedGeneration != status.ObservedGeneration {
			text += fmt.Sprintf(" of generation %d", condition.ObservedGeneration)
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

func (w *workload) operate() {
	operations := []struct {
		name   string
		weight int
		do     func()
	}{
		{"create check", 8, func() { w.put(w.randomCheck()) }},
		{"create alias", 10, func() { w.put(w.randomAlias()) }},
		{"create service", 4, func() { w.put(w.serviceNamed(w.pick("service"))) }},
		{"create slice", 5, func() { w.put(w.sliceNamed(w.pick("slice"))) }},
		{"create deployment", 5, func() { w.put(w.deploymentNamed(w.pick("deployment"))) }},
		{"grant", 5, func() { w.put(w.randomGrant()) }},
		{"edit check", 6, func() { c := w.randomCheck(); w.respecify(c, c.Spec) }},
		{"edit alias", 8, func() { a := w.randomAlias(); w.respecify(a, a.Spec) }},
		{"suspend", 4, func() { w.change(w.emptyCheck(), fmt.Sprintf(`{"spec":{"suspend":%v}}`, w.oneIn(2))) }},
		{"maintain", 4, w.maintain},
		{"window", 4, func() {
			text, err := json.Marshal(w.randomWindows())
			w.Expect(err).NotTo(HaveOccurred())
			w.change(w.emptyCheck(), fmt.Sprintf(`{"spec":{"maintenanceWindows":%s}}`, text))
		}},
		{"flip", 12, w.flip},
		{"relabel", 6, func() {
			w.change(w.emptyCheck(), fmt.Sprintf(`{"metadata":{"labels":{"team":%q}}}`, w.pick("team")))
		}},
		{"relabel alias", 3, func() {
			alias := &v1alpha1.AliasCheck{ObjectMeta: w.named(w.pick("alias"))}
			w.change(alias, fmt.Sprintf(`{"metadata":{"labels":{"team":%q}}}`, w.pick("team")))
		}},
		{"annotate", 8, w.annotate},
		{"cordon", 3, func() {
			w.change(w.theNode(), fmt.Sprintf(`{"spec":{"unschedulable":%v}}`, w.oneIn(3)))
		}},
		{"node ready", 3, func() { w.setCondition(w.theNode(), "Ready") }},
		{"deployment available", 8, func() { w.setCondition(w.deploymentNamed(w.pick("deployment")), "Available") }},
		{"endpoints", 5, func() {
			w.change(w.sliceNamed(w.pick("slice")), `{"endpoints":`+w.endpoints()+`}`)
		}},
		{"recreate check", 4, func() { w.recreate(w.randomCheck()) }},
		{"recreate alias", 4, func() { w.recreate(w.randomAlias()) }},
		{"recreate service", 2, func() { w.recreate(w.serviceNamed(w.pick("service"))) }},
		{"delete check", 3, func() { w.delete(w.emptyCheck()) }},
		{"delete alias", 3, func() { w.delete(w.randomAlias()) }},
		{"delete service", 2, func() { w.delete(w.serviceNamed(w.pick("service"))) }},
		{"delete slice", 2, func() { w.delete(w.sliceNamed(w.pick("slice"))) }},
		{"delete deployment", 1, func() { w.delete(w.deploymentNamed(w.pick("deployment"))) }},
		{"revoke", 3, func() { w.delete(w.randomGrant()) }},
		{"ring", 2, w.ring},
		{"break a ring", 2, w.breakRing},
		{"hold", 4, w.hold},
		{"create widget", 5, func() { w.put(w.widget()) }},
		{"paint widget", 6, w.paint},
		{"delete widget", 1, func() { w.delete(w.widget()) }},
		{"create rule", 2, func() { w.put(w.healthRule()) }},
		{"edit rule", 3, func() { rule := w.healthRule(); w.respecify(rule, rule.Spec) }},
		{"delete rule", 2, func() { w.delete(w.healthRule()) }},
		{"release", 2, func() {
			w.change(w.deploymentNamed(w.pick("deployment")), `{"metadata":{"finalizers":null}}`)
		}},
	}
	total := 0
	for _, operation := range operations {
		total += operation.weight
	}
	drawn := w.random.IntN(total)
	for _, operation := range operations {
		if drawn -= operation.weight; drawn < 0 {
			w.done[operation.name]++
			operation.do()
			return
		}
	}
}

func (w *workload) oneIn(n int) bool { return w.random.IntN(n) == 0 }

// pick draws one of a few names, and of more for aliases: each of them is another thing to be compared.
func (w *workload) pick(prefix string) string {
	names := 6
	if prefix == "alias" {
		names = 16
	}
	return fmt.Sprintf("%s-%d", prefix, w.random.IntN(names))
}

func (w *workload) somewhere() string { return w.namespaces[w.random.IntN(len(w.namespaces))] }

func (w *workload) named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.somewhere(), Name: name}
}

// put creates what does not exist.
func (w *workload) put(object client.Object) {
	w.Expect(client.IgnoreAlreadyExists(direct.Create(w.ctx, object))).To(Succeed())
}

func (w *workload) recreate(object client.Object) {
	w.delete(object)
	object.SetUID("")
	w.create(object)
}

// change patches what exists.
func (w *workload) change(object client.Object, patch string) {
	w.Expect(client.IgnoreNotFound(direct.Patch(w.ctx, object, rawPatch(patch)))).To(Succeed())
}

// respecify replaces the whole spec of what exists: a merge would keep fields of the old one.
func (w *workload) respecify(object client.Object, spec any) {
	text, err := json.Marshal(spec)
	w.Expect(err).NotTo(HaveOccurred())
	patch := client.RawPatch(types.JSONPatchType, fmt.Appendf(nil, `[{"op":"replace","path":"/spec","value":%s}]`, text))
	w.Expect(client.IgnoreNotFound(direct.Patch(w.ctx, object, patch))).To(Succeed())
}

func (w *workload) emptyCheck() *v1alpha1.HealthCheck {
	return &v1alpha1.HealthCheck{ObjectMeta: w.named(w.pick("check"))}
}

func (w *workload) randomCheck() *v1alpha1.HealthCheck {
	check := w.healthCheck(w.pick("check"))
	check.Namespace = w.somewhere()
	check.Labels = map[string]string{"team": w.pick("team")}
	check.Spec.HTTP.URL = w.app.url(w.pick("part"))
	check.Spec.Suspend = w.oneIn(10)
	check.Spec.MaintenanceWindows = w.randomWindows()
	if w.oneIn(5) {
		check.Spec.HTTP.ExpectedStatuses = []v1alpha1.StatusRange{"200-299", "429"}
	}
	switch w.random.IntN(3) {
	case 0:
		check.Spec.ServiceRef = &v1alpha1.LocalServiceReference{Name: w.pick("service")}
	case 1:
		check.Spec.NodeName = w.namespace
	}
	return check
}

func (w *workload) maintain() {
	value := "null"
	if w.oneIn(2) {
		value = `{"reason":"moving","until":` + w.until() + `}`
	}
	w.change(w.emptyCheck(), `{"spec":{"maintenance":`+value+`}}`)
}

// until is the end of a maintenance: none, one that has passed, one that is far, and one that passes with nothing that happens.
func (w *workload) until() string {
	soon := time.Now().Add(time.Duration(w.random.IntN(3)) * time.Second).UTC().Format(time.RFC3339)
	return []string{"null", `"2026-01-01T00:00:00Z"`, `"2126-01-01T00:00:00Z"`, `"` + soon + `"`}[w.random.IntN(4)]
}

// randomWindows are none mostly, for what is in maintenance tells of nothing else.
func (w *workload) randomWindows() (all []v1alpha1.MaintenanceWindow) {
	if !w.oneIn(3) {
		return nil
	}
	schedules := slices.Sorted(maps.Keys(windows))
	for range 1 + w.random.IntN(2) {
		all = append(all, v1alpha1.MaintenanceWindow{
			Schedule: schedules[w.random.IntN(len(schedules))], Reason: "planned", TimeZone: "Europe/Berlin",
			Duration: metav1.Duration{Duration: time.Hour},
		})
	}
	return all
}

func (w *workload) randomAlias() *v1alpha1.AliasCheck {
	alias := &v1alpha1.AliasCheck{ObjectMeta: w.named(w.pick("alias"))}
	alias.Spec.WhenMissing = given[w.random.IntN(4)]
	alias.Spec.WhenEmpty = given[w.random.IntN(4)]
	alias.Spec.WhenUnreported = given[w.random.IntN(4)]
	alias.Labels = map[string]string{"team": w.pick("team")}
	switch w.random.IntN(6) {
	case 0:
		alias.Spec.Selector = w.randomSelector()
	case 1:
		alias.Spec.Targets = w.randomTargets()
	default:
		alias.Spec.TargetRef = w.randomTarget()
	}
	if several(alias.Spec) && w.oneIn(3) {
		alias.Spec.MinReady = w.minReady()
	}
	return alias
}

// several reports whether an alias combines: minReady is refused beside anything else.
func several(spec v1alpha1.AliasCheckSpec) bool {
	ref := spec.TargetRef
	return ref == nil || ref.ConditionType == "" && (ref.Kind == "Service" || ref.Kind == "Node")
}

// randomSelector selects HealthChecks for the most part: with few teams, aliases that select aliases soon make rings.
func (w *workload) randomSelector() *v1alpha1.Selector {
	health, alias := v1alpha1.SelectHealthChecks, v1alpha1.SelectAliasChecks
	selector := &v1alpha1.Selector{Kinds: [][]v1alpha1.SelectorKind{{health}, {health}, {alias}, {health, alias}}[w.random.IntN(4)]}
	if !w.oneIn(4) || slices.Contains(selector.Kinds, alias) {
		selector.MatchLabels = map[string]v1alpha1.LabelValue{"team": v1alpha1.LabelValue(w.pick("team"))}
	}
	return selector
}

// randomTargets are one to four, each once.
func (w *workload) randomTargets() (targets []v1alpha1.TargetReference) {
	for range 1 + w.random.IntN(4) {
		target := *w.randomTarget()
		same := func(other v1alpha1.TargetReference) bool { return reflect.DeepEqual(other, target) }
		if !slices.ContainsFunc(targets, same) {
			targets = append(targets, target)
		}
	}
	return targets
}

func (w *workload) minReady() *intstr.IntOrString {
	minReady := intstr.Parse([]string{"1", "2", "3", "1%", "50%", "100%"}[w.random.IntN(6)])
	return &minReady
}

// randomTarget is of any kind, sometimes of another namespace, and sometimes of one condition.
func (w *workload) randomTarget() *v1alpha1.TargetReference {
	conditions := []string{"", "", "", "Ready", "Absent"}
	var target *v1alpha1.TargetReference
	switch w.random.IntN(12) {
	case 7, 8:
		target = &v1alpha1.TargetReference{APIVersion: widgetKind.GroupVersion().String(), Kind: "Widget", Name: w.pick("widget")}
		if w.oneIn(4) {
			target.Health = ruleLists[w.random.IntN(len(ruleLists))]
		}
	case 0:
		return &v1alpha1.TargetReference{Kind: "Node", Name: w.namespace, ConditionType: conditions[w.random.IntN(4)]}
	case 1, 10:
		target = &v1alpha1.TargetReference{Kind: "Service", Name: w.pick("service")}
	case 2, 9, 11:
		target = &v1alpha1.TargetReference{
			APIVersion: "apps/v1", Kind: "Deployment", Name: w.pick("deployment"), ConditionType: "Available",
		}
	case 3, 4:
		target = &v1alpha1.TargetReference{
			Kind: "HealthCheck", Name: w.pick("check"), ConditionType: conditions[w.random.IntN(5)],
		}
	default:
		target = &v1alpha1.TargetReference{
			Kind: "AliasCheck", Name: w.pick("alias"), ConditionType: conditions[w.random.IntN(5)],
		}
	}
	if w.oneIn(3) {
		target.Namespace = w.somewhere()
	}
	return target
}

// randomGrant is for one kind, sometimes for one name, and sometimes from a namespace that nobody is in.
func (w *workload) randomGrant() *gatewayv1.ReferenceGrant {
	kinds := []string{"HealthCheck", "AliasCheck", "Service", "Deployment", "Widget"}
	names := []string{"check", "alias", "service", "deployment", "widget"}
	drawn := w.random.IntN(len(kinds))
	to := gatewayv1.ReferenceGrantTo{Group: gatewayv1.Group(groupOf[kinds[drawn]]), Kind: gatewayv1.Kind(kinds[drawn])}
	if w.oneIn(3) {
		name := gatewayv1.ObjectName(w.pick(names[drawn]))
		to.Name = &name
	}
	from := w.somewhere()
	if w.oneIn(8) {
		from = "nobody"
	}
	return &gatewayv1.ReferenceGrant{
		ObjectMeta: w.named(w.pick("grant")),
		Spec: gatewayv1.ReferenceGrantSpec{
			From: []gatewayv1.ReferenceGrantFrom{{
				Group: "health.aliascheck.dev", Kind: "AliasCheck", Namespace: gatewayv1.Namespace(from),
			}},
			To: []gatewayv1.ReferenceGrantTo{to},
		},
	}
}

func (w *workload) serviceNamed(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: w.named(name),
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func (w *workload) sliceNamed(name string) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{ObjectMeta: w.named(name), AddressType: discoveryv1.AddressTypeIPv4}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: w.pick("service")}
	w.Expect(json.Unmarshal([]byte(w.endpoints()), &slice.Endpoints)).To(Succeed())
	return slice
}

// endpoints of a slice: none, ready ones, others, and such as do not say.
func (w *workload) endpoints() string {
	return []string{
		`[]`, `[{"addresses":["10.1.2.3"],"conditions":{"ready":true}}]`,
		`[{"addresses":["10.1.2.3"],"conditions":{"ready":false}}]`, `[{"addresses":["10.1.2.3"]}]`,
		`[{"addresses":["10.1.2.3"],"conditions":{"ready":false}},{"addresses":["10.1.2.4"],"conditions":{"ready":true}}]`,
		`[{"addresses":["10.1.2.3"],"conditions":{"ready":true,"serving":false}}]`,
	}[w.random.IntN(6)]
}

func (w *workload) deploymentNamed(name string) *appsv1.Deployment {
	deployment := deploymentOf(w.somewhere())
	deployment.Name = name
	return deployment
}

func (w *workload) theNode() *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
}

func (w *workload) setCondition(object client.Object, name string) {
	status := []string{"True", "True", "False", "Unknown"}[w.random.IntN(4)]
	patch := fmt.Sprintf(`{"status":{"conditions":[{"type":%q,"status":%q,"reason":"Because%s"}]}}`, name, status, status)
	w.Expect(client.IgnoreNotFound(direct.Status().Patch(w.ctx, object, rawPatch(patch)))).To(Succeed())
}

// ring makes aliases of one namespace follow each other around, one alone sometimes.
func (w *workload) ring() {
	namespace, members := w.somewhere(), w.random.Perm(6)[:1+w.random.IntN(4)]
	for i, member := range members {
		alias := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: fmt.Sprintf("alias-%d", member),
		}}
		next := v1alpha1.TargetReference{Kind: "AliasCheck", Name: fmt.Sprintf("alias-%d", members[(i+1)%len(members)])}
		if w.oneIn(3) {
			alias.Spec.Targets = []v1alpha1.TargetReference{{Kind: "HealthCheck", Name: w.pick("check")}, next}
		} else {
			alias.Spec.TargetRef = &next
		}
		w.put(alias.DeepCopy())
		w.respecify(alias, alias.Spec)
	}
}

// breakRing makes the first alias that a ring keeps from its target look elsewhere.
func (w *workload) breakRing() {
	world := w.world()
	keys := slices.SortedFunc(maps.Keys(world.aliases), func(a, b client.ObjectKey) int {
		return strings.Compare(a.String(), b.String())
	})
	check := w.pick("check")
	for _, key := range keys {
		if alias := world.aliases[key]; world.ringed(alias) {
			alias.Spec = v1alpha1.AliasCheckSpec{TargetRef: &v1alpha1.TargetReference{Kind: "HealthCheck", Name: check}}
			w.respecify(&alias, alias.Spec)
			return
		}
	}
}

// hold deletes what a finalizer keeps: it is there, and goes away.
func (w *workload) hold() {
	deployment := w.deploymentNamed(w.pick("deployment"))
	w.put(deployment.DeepCopy())
	// Of one that is being deleted, a finalizer may be taken away and none added.
	err := direct.Patch(w.ctx, deployment.DeepCopy(), rawPatch(`{"metadata":{"finalizers":["faults.test/held"]}}`))
	if !apierrors.IsInvalid(err) {
		w.Expect(err).NotTo(HaveOccurred())
	}
	w.delete(deployment)
}

func (w *workload) flip() {
	codes := []int{http.StatusOK, http.StatusTooManyRequests, http.StatusInternalServerError}
	w.app.set(w.pick("part"), codes[w.random.IntN(len(codes))])
}

// annotate puts an object in maintenance, or takes it out. An empty reason is one too.
func (w *workload) annotate() {
	objects := []client.Object{
		w.emptyCheck(), w.serviceNamed(w.pick("service")), w.deploymentNamed(w.pick("deployment")),
		&v1alpha1.AliasCheck{ObjectMeta: w.named(w.pick("alias"))}, w.widget(),
	}
	value := []string{"null", "null", `""`, `"moving"`}[w.random.IntN(4)]
	until := w.until()
	if w.oneIn(5) {
		until = `"noon"`
	}
	w.change(objects[w.random.IntN(len(objects))],
		fmt.Sprintf(`{"metadata":{"annotations":{%q:%s,%q:%s}}}`, maintenanceAnnotation, value, untilAnnotation, until))
}
