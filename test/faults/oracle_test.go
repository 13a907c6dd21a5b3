package faults

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// world is what the API objects and the application are at one moment, and nothing of what the manager has
// made of them: the oracle computes from it alone what every check must show. It shares no code with the
// manager, and reads docs/aliascheck.md only.
type world struct {
	checks      map[client.ObjectKey]v1alpha1.HealthCheck
	aliases     map[client.ObjectKey]v1alpha1.AliasCheck
	services    map[client.ObjectKey]corev1.Service
	deployments map[client.ObjectKey]appsv1.Deployment
	widgets     map[client.ObjectKey]unstructured.Unstructured
	rules       []v1alpha1.HealthRule // the oldest first
	slices      []discoveryv1.EndpointSlice
	grants      []gatewayv1.ReferenceGrant
	node        corev1.Node
	codes       map[string]int
	now         time.Time
	// said is what aliases must show, as far as it has been asked.
	said map[client.ObjectKey]shown
}

// shown is what a status says that a user relies on.
type shown struct {
	state   v1alpha1.State
	reason  string
	culprit string // of an alias; for what an alias looks at, the object to blame where it decides alone
	lacks   string // of an alias: why there is no target whose health it holds, or one of them not
	stalled bool   // of an alias: no retry can help
	fault   string // of a HealthCheck: what no retry can mend, though it is probed
	telling bool   // of endpoints: their reason is that of what they decide alone
}

const (
	maintenanceAnnotation = "health.aliascheck.dev/maintenance"
	untilAnnotation       = "health.aliascheck.dev/maintenance-until"
)

// windows of the workload, by their schedules: of an hour each, and open at any time or at none.
var windows = map[string]struct{ open, invalid bool }{
	"* * * * *":    {open: true},
	"*/15 * * * *": {open: true},
	"61 * * * *":   {invalid: true},
	"0 0 30 2 *":   {invalid: true},
	"23-7 * * * *": {invalid: true},
}

// maintained is an object that an operator has put in maintenance.
func maintained(object string) shown {
	return shown{state: v1alpha1.StateMaintenance, reason: "Maintenance", culprit: object}
}

// called is how the oracle calls an object: HealthCheck shop/web, Node /worker-1.
func called(kind string, object client.Object) string {
	return kind + " " + object.GetNamespace() + "/" + object.GetName()
}

// worstFirst is the order in which states are combined.
var worstFirst = []v1alpha1.State{
	v1alpha1.StateCritical, v1alpha1.StateUnknown, v1alpha1.StateMaintenance, v1alpha1.StateWarning, v1alpha1.StatePassing,
}

// given are the states that a spec may ask for.
var given = []v1alpha1.State{
	v1alpha1.StateCritical, v1alpha1.StateUnknown, v1alpha1.StateWarning, v1alpha1.StatePassing,
}

// combined is what the things make together that count, as an alias with this spec asks for it.
func combined(all []shown, spec v1alpha1.AliasCheckSpec) shown {
	if len(all) == 0 {
		return shown{state: spec.WhenEmpty, reason: "NoChecks"}
	}
	counted, suspended := withoutSuspended(all)
	if len(counted) == 0 {
		return shown{state: v1alpha1.StateUnknown, reason: "Suspended", culprit: culpritOf(suspended)}
	}
	worst := worstOf(counted)
	if spec.MinReady == nil {
		return worst
	}
	ready := 0
	for _, one := range counted {
		if readyOf(one.state) == metav1.ConditionTrue {
			ready++
		}
	}
	switch need := needed(*spec.MinReady, len(counted)); {
	case need > len(counted):
		return shown{state: v1alpha1.StateCritical, reason: "TooFewChecks"}
	case ready < need, worst.state == v1alpha1.StatePassing:
		return worst
	default:
		return shown{state: v1alpha1.StateWarning, reason: "PartlyReady", culprit: worst.culprit}
	}
}

// needed is how many minReady asks for: of a percentage, rounded up.
func needed(minReady intstr.IntOrString, total int) int {
	if minReady.Type == intstr.Int {
		return minReady.IntValue()
	}
	percent, err := strconv.Atoi(strings.TrimSuffix(minReady.StrVal, "%"))
	if err != nil {
		panic(err) // the schema refuses it
	}
	return (total*percent + 99) / 100
}

// withoutSuspended tells what counts from what is left out.
func withoutSuspended(all []shown) (counted, suspended []shown) {
	for _, one := range all {
		if one.state == v1alpha1.StateUnknown && one.reason == "Suspended" {
			suspended = append(suspended, one)
		} else {
			counted = append(counted, one)
		}
	}
	return counted, suspended
}

// worstOf is the worst of what counts. Endpoints, or a Node, that decide alone give their own reason.
func worstOf(counted []shown) shown {
	worst := slices.MinFunc(counted, func(a, b shown) int {
		return slices.Index(worstFirst, a.state) - slices.Index(worstFirst, b.state)
	})
	if worst.state == v1alpha1.StatePassing {
		return shown{state: worst.state, reason: "AllPassing"}
	}
	var asBad []shown
	for _, one := range counted {
		if one.state == worst.state {
			asBad = append(asBad, one)
		}
	}
	made := shown{state: worst.state, reason: string(worst.state) + "Checks", culprit: culpritOf(asBad)}
	if len(asBad) == 1 && worst.telling {
		made.reason = worst.reason
	}
	return made
}

// culpritOf is what all of them blame.
func culpritOf(all []shown) string {
	for _, one := range all {
		if one.culprit != all[0].culprit {
			return ""
		}
	}
	return all[0].culprit
}

// annotated reports whether an object is in maintenance by its annotations. What cannot be read as a time ends nothing.
func (w *world) annotated(object client.Object) bool {
	_, in := object.GetAnnotations()[maintenanceAnnotation]
	end, err := time.Parse(time.RFC3339, object.GetAnnotations()[untilAnnotation])
	return in && (err != nil || w.now.Before(end))
}

// maintained reports whether a check is in maintenance in any way, and what is wrong with its windows.
func (w *world) maintained(check v1alpha1.HealthCheck) (in bool, fault string) {
	bySpec := check.Spec.Maintenance
	in = w.annotated(&check) || bySpec != nil && (bySpec.Until == nil || w.now.Before(bySpec.Until.Time))
	for _, window := range check.Spec.MaintenanceWindows {
		in = in || windows[window.Schedule].open
		if windows[window.Schedule].invalid {
			fault = "InvalidWindow"
		}
	}
	return in, fault
}

func (w *world) check(check v1alpha1.HealthCheck) shown {
	in, fault := w.maintained(check)
	itself := called("HealthCheck", &check)
	said := w.probed(check, itself)
	switch {
	case in:
		said = maintained(itself)
	case check.Spec.Suspend:
		said = shown{state: v1alpha1.StateUnknown, reason: "Suspended", culprit: itself}
	}
	said.fault = fault
	return said
}

// probed is what the application answers.
func (w *world) probed(check v1alpha1.HealthCheck, itself string) shown {
	code := w.codes[path.Base(check.Spec.HTTP.URL)]
	switch expected := check.Spec.HTTP.ExpectedStatuses; {
	case code == 0, code == http.StatusOK, code == http.StatusTooManyRequests && slices.Contains(expected, "429"):
		return shown{state: v1alpha1.StatePassing, reason: "ProbeSucceeded"}
	case code == http.StatusTooManyRequests:
		return shown{state: v1alpha1.StateWarning, reason: "ProbeWarning", culprit: itself}
	default:
		return shown{state: v1alpha1.StateCritical, reason: "ProbeFailed", culprit: itself}
	}
}

func (w *world) checksThat(namespace string, count func(v1alpha1.HealthCheck) bool) (all []shown) {
	for key, check := range w.checks {
		if key.Namespace == namespace && count(check) {
			all = append(all, w.check(check))
		}
	}
	return all
}

// target is where a reference points to; permitted says whether it may.
func (w *world) target(alias v1alpha1.AliasCheck) (key client.ObjectKey, permitted bool) {
	ref := alias.Spec.TargetRef
	key = client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}
	if key.Namespace == "" {
		key.Namespace = alias.Namespace
	}
	return key, key.Namespace == alias.Namespace || slices.ContainsFunc(w.grants, func(g gatewayv1.ReferenceGrant) bool {
		return g.Namespace == key.Namespace && permits(g.Spec, alias.Namespace, groupOf[ref.Kind], ref.Kind, key.Name)
	})
}

var groupOf = map[string]string{
	"HealthCheck": "health.aliascheck.dev", "AliasCheck": "health.aliascheck.dev", "Service": "", "Deployment": "apps",
	"Widget": widgetKind.Group,
}

func permits(grant gatewayv1.ReferenceGrantSpec, from, group, kind, name string) bool {
	fromHere := func(f gatewayv1.ReferenceGrantFrom) bool {
		return f.Group == "health.aliascheck.dev" && f.Kind == "AliasCheck" && string(f.Namespace) == from
	}
	toThat := func(t gatewayv1.ReferenceGrantTo) bool {
		return string(t.Group) == group && string(t.Kind) == kind && (t.Name == nil || string(*t.Name) == name)
	}
	return slices.ContainsFunc(grant.From, fromHere) && slices.ContainsFunc(grant.To, toThat)
}

// next are the aliases that one refers to, as far as consent goes, by its targets or its selector. It selects itself never.
func (w *world) next(alias v1alpha1.AliasCheck) (next []v1alpha1.AliasCheck) {
	for _, ref := range referencesOf(alias.Spec) {
		key, permitted := w.target(withTarget(alias, ref))
		if found, exists := w.aliases[key]; exists && permitted && ref.Kind == "AliasCheck" {
			next = append(next, found)
		}
	}
	if selects(alias, v1alpha1.SelectAliasChecks) {
		for key, other := range w.aliases {
			if key.Namespace == alias.Namespace && key.Name != alias.Name && inTeam(alias, other.Labels) {
				next = append(next, other)
			}
		}
	}
	return next
}

func referencesOf(spec v1alpha1.AliasCheckSpec) []v1alpha1.TargetReference {
	if spec.TargetRef != nil {
		return []v1alpha1.TargetReference{*spec.TargetRef}
	}
	return spec.Targets
}

// withTarget is an alias of one of its targets alone.
func withTarget(alias v1alpha1.AliasCheck, ref v1alpha1.TargetReference) v1alpha1.AliasCheck {
	alias.Spec.Targets, alias.Spec.TargetRef, alias.Spec.MinReady = nil, &ref, nil
	return alias
}

func selects(alias v1alpha1.AliasCheck, kind v1alpha1.SelectorKind) bool {
	return alias.Spec.Selector != nil && slices.Contains(alias.Spec.Selector.Kinds, kind)
}

// inTeam reports whether a selector, which asks for a team at most, matches labels.
func inTeam(alias v1alpha1.AliasCheck, labels map[string]string) bool {
	team := string(alias.Spec.Selector.MatchLabels["team"])
	return team == "" || labels["team"] == team
}

// reach is whether an alias reaches a ring by any way, and how many aliases the longest way has where it does not.
func (w *world) reach(alias v1alpha1.AliasCheck) (ringed bool, depth int) {
	depths, under := map[client.ObjectKey]int{}, map[client.ObjectKey]bool{}
	var visit func(v1alpha1.AliasCheck) (bool, int)
	visit = func(alias v1alpha1.AliasCheck) (bool, int) {
		key := client.ObjectKeyFromObject(&alias)
		if under[key] {
			return true, 0
		}
		if known := depths[key]; known > 0 {
			return false, known
		}
		under[key] = true
		deepest := 0
		for _, next := range w.next(alias) {
			ringed, depth := visit(next)
			if ringed {
				return true, 0
			}
			deepest = max(deepest, depth)
		}
		delete(under, key)
		depths[key] = deepest + 1
		return false, deepest + 1
	}
	return visit(alias)
}

func (w *world) ringed(alias v1alpha1.AliasCheck) bool {
	ringed, _ := w.reach(alias)
	return ringed
}

// alias is what it must show. Nobody is to blame for Passing.
func (w *world) alias(alias v1alpha1.AliasCheck) shown {
	key := client.ObjectKeyFromObject(&alias)
	if said, known := w.said[key]; known { // there may be very many ways to it
		return said
	}
	all := w.decided(alias)
	if all.state == v1alpha1.StatePassing {
		all.culprit = ""
	}
	w.said[key] = all
	return all
}

func (w *world) decided(alias v1alpha1.AliasCheck) shown {
	ringed, depth := w.reach(alias)
	switch {
	case ringed:
		return shown{state: v1alpha1.StateCritical, reason: "AliasCycle", lacks: "AliasCycle", stalled: true}
	case depth > 16:
		return shown{state: v1alpha1.StateCritical, reason: "AliasTooDeep", lacks: "AliasTooDeep", stalled: true}
	case alias.Spec.Selector != nil:
		return combined(w.selected(alias), alias.Spec)
	case alias.Spec.TargetRef != nil:
		return w.single(alias)
	default:
		return w.several(alias)
	}
}

func (w *world) selected(alias v1alpha1.AliasCheck) (all []shown) {
	if selects(alias, v1alpha1.SelectHealthChecks) {
		all = w.checksThat(alias.Namespace, func(c v1alpha1.HealthCheck) bool { return inTeam(alias, c.Labels) })
	}
	if selects(alias, v1alpha1.SelectAliasChecks) {
		for _, other := range w.next(alias) {
			all = append(all, w.aliasAsTarget(other))
		}
	}
	return all
}

// several is each target as if it stood alone, one member each, and once.
func (w *world) several(alias v1alpha1.AliasCheck) shown {
	type member struct {
		shown
		order string
	}
	var members []member
	var counted []v1alpha1.TargetReference
	for _, ref := range alias.Spec.Targets {
		key, _ := w.target(withTarget(alias, ref))
		if ref.Kind == "Node" {
			key.Namespace = ""
		}
		spelled := ref
		spelled.Namespace = key.Namespace
		if slices.ContainsFunc(counted, func(other v1alpha1.TargetReference) bool { return reflect.DeepEqual(other, spelled) }) {
			continue // the same, once with its own namespace and once without
		}
		counted = append(counted, spelled)
		one := w.single(withTarget(alias, ref))
		if one.culprit == "" {
			one.culprit = ref.Kind + " " + key.String()
		}
		members = append(members, member{one, strings.Join([]string{ref.Kind, key.Namespace, key.Name}, "\x00")})
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(slices.Index(worstFirst, a.state)-slices.Index(worstFirst, b.state), cmp.Compare(a.order, b.order))
	})
	var all []shown
	lacks := ""
	for _, one := range members {
		all = append(all, one.shown)
		lacks = cmp.Or(lacks, one.lacks)
	}
	made := combined(all, alias.Spec)
	made.lacks = lacks
	return made
}

func (w *world) single(alias v1alpha1.AliasCheck) shown {
	key, permitted := w.target(alias)
	target := alias.Spec.TargetRef.Kind + " " + key.String()
	if !permitted {
		return shown{state: alias.Spec.WhenMissing, reason: "RefNotPermitted", culprit: target, lacks: "RefNotPermitted"}
	}
	found, exists := w.found(alias, key)
	if !exists {
		return shown{state: alias.Spec.WhenMissing, reason: "TargetNotFound", culprit: target, lacks: "TargetNotFound"}
	}
	found.lacks, found.stalled = "", false // what its target lacks is not what it lacks
	return found
}

// aliasAsTarget is an alias as others see it.
func (w *world) aliasAsTarget(alias v1alpha1.AliasCheck) shown {
	itself := called("AliasCheck", &alias)
	if w.annotated(&alias) {
		return maintained(itself)
	}
	said := w.alias(alias)
	if said.culprit == "" {
		said.culprit = itself
	}
	said.telling = false
	return said
}

// found is the state of a target of any kind, as this alias asks for it.
func (w *world) found(alias v1alpha1.AliasCheck, key client.ObjectKey) (found shown, exists bool) {
	asked, target := alias.Spec.TargetRef.ConditionType, alias.Spec.TargetRef.Kind+" "+key.String()
	switch alias.Spec.TargetRef.Kind {
	case "HealthCheck":
		check, exists := w.checks[key]
		if !exists {
			return shown{}, false
		}
		return conditionOfCheck(w.check(check), asked, target), true
	case "AliasCheck":
		next, exists := w.aliases[key]
		if !exists {
			return shown{}, false
		}
		seen := w.aliasAsTarget(next)
		if key.Namespace != alias.Namespace && !isIn(seen.culprit, key.Namespace) {
			seen.culprit = target // what a third namespace is to blame for is not told to this one
		}
		return conditionOfCheck(seen, asked, target), true
	case "Service":
		service, exists := w.services[key]
		return w.service(service, alias.Spec), exists
	case "Deployment":
		deployment, exists := w.deployments[key]
		return w.deployment(deployment, asked), exists
	case "Widget":
		widget, exists := w.widgets[key]
		return w.widgetAsTarget(widget, alias.Spec), exists
	default:
		return w.nodeFor(alias, asked), true
	}
}

// isIn reports whether a culprit is of a namespace, or belongs to no namespace.
func isIn(culprit, namespace string) bool {
	return strings.Contains(culprit, " "+namespace+"/") || strings.Contains(culprit, " /")
}

// conditionOfCheck is the state of a check, or the condition of it that is asked for, which is the check's own and not
// that of what is behind it. Maintenance is both.
func conditionOfCheck(check shown, asked, itself string) shown {
	if asked == "" || check.state == v1alpha1.StateMaintenance {
		return check
	}
	condition := shown{state: v1alpha1.StateUnknown, reason: "ConditionNotFound", culprit: itself}
	if asked != "Ready" {
		return condition
	}
	condition.reason = check.reason
	switch readyOf(check.state) {
	case metav1.ConditionTrue:
		condition.state = v1alpha1.StatePassing
	case metav1.ConditionFalse:
		condition.state = v1alpha1.StateCritical
	}
	return condition
}

func readyOf(state v1alpha1.State) metav1.ConditionStatus {
	switch state {
	case v1alpha1.StatePassing, v1alpha1.StateWarning:
		return metav1.ConditionTrue
	case v1alpha1.StateUnknown:
		return metav1.ConditionUnknown
	default:
		return metav1.ConditionFalse
	}
}

// conditions are those of a check, as type, status and reason, in the order of their types.
func conditions(kind string, check shown) []string {
	all := []string{fmt.Sprintf("Ready=%s %s", readyOf(check.state), check.reason)}
	if kind == "HealthCheck" {
		if check.fault != "" {
			all = append(all, "Stalled=True "+check.fault)
		}
		return all
	}
	if check.stalled {
		all = append(all, "Stalled=True "+check.reason)
	}
	if check.lacks != "" {
		return append(all, "TargetResolved=False "+check.lacks)
	}
	return append(all, "TargetResolved=True Resolved")
}

func (w *world) service(service corev1.Service, spec v1alpha1.AliasCheckSpec) shown {
	itself := called("Service", &service)
	if w.annotated(&service) {
		return maintained(itself)
	}
	counted := w.checksThat(service.Namespace, func(c v1alpha1.HealthCheck) bool {
		return c.Spec.ServiceRef != nil && c.Spec.ServiceRef.Name == service.Name
	})
	served, ready := false, false
	for _, slice := range w.slices {
		if slice.Namespace != service.Namespace || slice.Labels[discoveryv1.LabelServiceName] != service.Name {
			continue
		}
		served = true
		for _, endpoint := range slice.Endpoints {
			said := endpoint.Conditions
			ready = ready || (said.Ready == nil || *said.Ready) && (said.Serving == nil || *said.Serving)
		}
	}
	switch {
	case ready:
		counted = append(counted, shown{state: v1alpha1.StatePassing})
	case served:
		counted = append(counted,
			shown{state: v1alpha1.StateCritical, reason: "NoReadyEndpoints", culprit: itself, telling: true})
	}
	return combined(counted, spec)
}

// deployment is always asked for by its condition Available, whose reason the workload writes. While it is being
// deleted its conditions say nothing.
func (w *world) deployment(deployment appsv1.Deployment, asked string) shown {
	itself := called("Deployment", &deployment)
	switch {
	case w.annotated(&deployment):
		return maintained(itself)
	case deployment.DeletionTimestamp != nil:
		return shown{state: v1alpha1.StateCritical, reason: "Terminating", culprit: itself}
	}
	for _, condition := range deployment.Status.Conditions {
		if string(condition.Type) == asked {
			return fromCondition(condition.Status, condition.Reason, itself)
		}
	}
	return shown{state: v1alpha1.StateUnknown, reason: "ConditionNotFound", culprit: itself}
}

func fromCondition(status corev1.ConditionStatus, reason, itself string) shown {
	states := map[corev1.ConditionStatus]v1alpha1.State{
		corev1.ConditionTrue: v1alpha1.StatePassing, corev1.ConditionFalse: v1alpha1.StateCritical,
		corev1.ConditionUnknown: v1alpha1.StateUnknown,
	}
	return shown{state: states[status], reason: cmp.Or(reason, "Condition"+string(status)), culprit: itself}
}

func (w *world) nodeFor(alias v1alpha1.AliasCheck, asked string) shown {
	ready := w.node.Status.Conditions[0] // the only one, always there
	itself := fromCondition(ready.Status, ready.Reason, called("Node", &w.node))
	if asked != "" {
		return itself
	}
	if ready.Status == corev1.ConditionUnknown {
		itself.state = v1alpha1.StateCritical
	}
	if w.node.Spec.Unschedulable && itself.state == v1alpha1.StatePassing {
		itself.state = v1alpha1.StateMaintenance
	}
	return combined(append(w.checksThat(alias.Namespace, func(c v1alpha1.HealthCheck) bool {
		return c.Spec.NodeName == w.node.Name
	}), itself), alias.Spec)
}

// world reads all of it past the manager.
func (w *workload) world() *world {
	all := &world{
		checks: map[client.ObjectKey]v1alpha1.HealthCheck{}, aliases: map[client.ObjectKey]v1alpha1.AliasCheck{},
		services: map[client.ObjectKey]corev1.Service{}, deployments: map[client.ObjectKey]appsv1.Deployment{},
		widgets: map[client.ObjectKey]unstructured.Unstructured{}, codes: w.app.snapshot(), now: time.Now(),
		said: map[client.ObjectKey]shown{},
	}
	all.readRules(w.rig)
	for _, namespace := range w.namespaces {
		all.read(w.rig, namespace)
	}
	w.Expect(direct.Get(w.ctx, client.ObjectKey{Name: w.namespace}, &all.node)).To(Succeed())
	return all
}

func (w *world) read(r *rig, namespace string) {
	var (
		checks      v1alpha1.HealthCheckList
		aliases     v1alpha1.AliasCheckList
		services    corev1.ServiceList
		deployments appsv1.DeploymentList
		endpoints   discoveryv1.EndpointSliceList
		grants      gatewayv1.ReferenceGrantList
		widgets     unstructured.UnstructuredList
	)
	widgets.SetGroupVersionKind(widgetKind)
	for _, list := range []client.ObjectList{&checks, &aliases, &services, &deployments, &endpoints, &grants, &widgets} {
		r.Expect(direct.List(r.ctx, list, client.InNamespace(namespace))).To(Succeed())
	}
	for _, check := range checks.Items {
		w.checks[client.ObjectKeyFromObject(&check)] = check
	}
	for _, alias := range aliases.Items {
		w.aliases[client.ObjectKeyFromObject(&alias)] = alias
	}
	for _, service := range services.Items {
		w.services[client.ObjectKeyFromObject(&service)] = service
	}
	for _, deployment := range deployments.Items {
		w.deployments[client.ObjectKeyFromObject(&deployment)] = deployment
	}
	for _, widget := range widgets.Items {
		w.widgets[client.ObjectKeyFromObject(&widget)] = widget
	}
	w.slices = append(w.slices, endpoints.Items...)
	w.grants = append(w.grants, grants.Items...)
}
