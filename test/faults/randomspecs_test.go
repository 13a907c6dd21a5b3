package faults

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// I9: whatever the schema allows, nothing panics, every check is evaluated, and a well-formed one beside them
// is evaluated as if it were alone. Some are there when the manager starts, some come and are edited later.
func TestI9NoSpecWithinTheSchemaStopsAnotherCheck(t *testing.T) {
	t.Parallel()
	seed := seedFromEnvironment(t)
	r := newRig(t)
	s := &specs{workload: workload{rig: r, random: rand.New(rand.NewPCG(seed, 9)), namespaces: []string{r.namespace}}}
	s.create(s.lease())
	s.install(s.gadgetKind())
	s.create(s.gadgets()...)
	t.Cleanup(s.removeRules)
	s.createAll(0, 40)
	m := r.startManager()
	r.web()
	s.createAll(40, 80)
	r.Eventually(s.unreported, 5*patience).WithPolling(seldom).Should(BeEmpty())
	for round := range 4 {
		for range 10 {
			check, alias := s.check(s.random.IntN(80)), s.alias(s.random.IntN(80))
			rule := s.healthRule(s.random.IntN(80 / ruleEvery))
			s.respecify(check, check.Spec)
			s.respecify(alias, alias.Spec)
			s.respecify(rule, rule.Spec)
		}
		r.Eventually(r.states("web")).Should(Equal(r.flip(round%2 == 1)))
	}
	r.Eventually(s.unreported, 5*patience).WithPolling(seldom).Should(BeEmpty())
	select {
	case <-m.Ended():
		t.Error("the manager has ended")
	default:
	}
	r.Expect(strings.Contains(strings.ToLower(m.Log()), "panic")).To(BeFalse(), "a panic in the log")
}

// specs are random ones, valid by the schema and hardly by anything else. They stay on this machine: what is
// not a loopback address is one that the address guard refuses, or no name that a resolver would be asked for.
type specs struct{ workload }

func (s *specs) createAll(from, to int) {
	for i := from; i < to; i++ {
		s.createValid(func() client.Object { return s.check(i) })
		s.createValid(func() client.Object { return s.alias(i) })
	}
	for i := from / ruleEvery; i < to/ruleEvery; i++ {
		s.createValid(func() client.Object { return s.healthRule(i) })
	}
}

// createValid makes specs until the API server takes one: some of what it refuses is beyond this generator.
func (s *specs) createValid(spec func() client.Object) {
	s.t.Helper()
	s.Eventually(func() error { return direct.Create(s.ctx, spec()) }).Should(Succeed())
}

// unreported are the checks, and the rules, which show nothing yet of their spec.
func (s *specs) unreported() (names []string) {
	var checks v1alpha1.HealthCheckList
	s.Expect(direct.List(s.ctx, &checks, client.InNamespace(s.namespace))).To(Succeed())
	for _, check := range checks.Items {
		if check.Status.ObservedGeneration != check.Generation {
			names = append(names, fmt.Sprintf("check %s %+v", check.Name, check.Spec))
		}
	}
	var aliases v1alpha1.AliasCheckList
	s.Expect(direct.List(s.ctx, &aliases, client.InNamespace(s.namespace))).To(Succeed())
	for _, alias := range aliases.Items {
		if alias.Status.ObservedGeneration != alias.Generation {
			names = append(names, fmt.Sprintf("alias %s %+v %+v", alias.Name, alias.Spec.TargetRef, alias.Spec.Selector))
		}
	}
	return append(names, s.unjudged()...)
}

// unjudged are the HealthRules of this rig which do not say yet whether they are in force.
func (s *specs) unjudged() (names []string) {
	var rules v1alpha1.HealthRuleList
	s.Expect(direct.List(s.ctx, &rules)).To(Succeed())
	for _, rule := range rules.Items {
		if strings.HasPrefix(rule.Name, s.namespace) && rule.Status.ObservedGeneration != rule.Generation {
			names = append(names, fmt.Sprintf("rule %s %+v", rule.Name, rule.Spec))
		}
	}
	return names
}

func oneOf[T any](s *specs, choices ...T) T { return choices[s.random.IntN(len(choices))] }

// maybe is the zero value half of the time.
func maybe[T any](s *specs, value T) (result T) {
	if s.oneIn(2) {
		return value
	}
	return result
}

// text is of at least one and at most this many characters, some of which are hard to print.
func (s *specs) text(most int) string {
	alphabet := []rune("ab Z0-_./:%{}[]()<>\"'\\`$;|&*?#@~^,=+äß漢😀\u202e\u200b\u00a0\u0000\n\t\r\u001b\ufffd")
	runes := make([]rune, 1+s.random.IntN(oneOf(s, 1, 8, most)))
	for i := range runes {
		runes[i] = alphabet[s.random.IntN(len(alphabet))]
	}
	return string(runes)
}

// ascii is text without what is beyond ASCII.
func (s *specs) ascii(most int) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, s.text(most))
}

// name is one that an object may have, and mostly none has.
func (s *specs) name() string {
	return oneOf(s, "web", "0", "a-0.b-1", strings.Repeat("x", 63), strings.Repeat("a.", 126)+"a")
}

// line is text without control characters.
func (s *specs) line(most int) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s.text(most))
}

func (s *specs) host() string {
	return oneOf(s, "127.0.0.1", "[::1]", "localhost", "169.254.169.254", "0.0.0.0", "[::]", "224.0.0.1",
		"[fe80::1]", "[::ffff:169.254.1.1]", "[64:ff9b::7f00:1]", "[fd00:ec2::254]", "-", "..", "a..b")
}

func (s *specs) address() v1alpha1.Address {
	port := oneOf(s, "1", "65535", "00080", strings.TrimPrefix(s.app.server.URL, "http://127.0.0.1:"))
	return v1alpha1.Address(s.host() + ":" + port)
}

func (s *specs) url() string {
	path := oneOf(s, "", "/", "//", "/%2e%2e/", "/a?b=%zz", "/#fragment", "/?"+strings.Repeat("x", 1500), "/%00")
	return oneOf(s, "http://", "https://", "HTTP://") + strings.TrimPrefix(oneOf(s,
		s.app.server.URL, "http://127.0.0.1", "http://[::1]:1", "http://169.254.169.254", "http://0.0.0.0:1",
		"http://127.0.0.1:65535", "http://localhost:1",
	), "http://") + path
}

func (s *specs) duration(choices ...time.Duration) *metav1.Duration {
	return &metav1.Duration{Duration: oneOf(s, choices...)}
}

func (s *specs) object(name string, i int) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Namespace: s.namespace, Name: fmt.Sprintf("%s-%d", name, i)}
	if s.oneIn(10) {
		meta.Annotations = map[string]string{maintenanceAnnotation: s.text(5000), untilAnnotation: s.text(5000)}
	}
	if s.oneIn(2) {
		meta.Labels = map[string]string{oneOf(s, "team", "0/0"): string(s.labelValue())}
	}
	return meta
}

// lease is the one that heartbeats named web find: renewed, and annotated by a holder that may say anything.
func (s *specs) lease() *coordinationv1.Lease {
	renewed := metav1.NowMicro()
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "web", Annotations: map[string]string{
			"health.aliascheck.dev/state":   oneOf(s, "Passing", "Warning", "Critical", "passing", s.text(100)),
			"health.aliascheck.dev/message": s.text(5000),
		}},
		Spec: coordinationv1.LeaseSpec{RenewTime: &renewed},
	}
}

func (s *specs) check(i int) *v1alpha1.HealthCheck {
	failures := 1 + s.random.Int32N(100)
	spec := v1alpha1.HealthCheckSpec{
		Interval:         maybe(s, s.interval()),
		SuccessThreshold: s.random.Int32N(101),
		FailureThreshold: failures,
		InitialState:     v1alpha1.State(oneOf(s, "", "Unknown", "Passing", "Warning", "Critical")),
		Suspend:          s.oneIn(10),
	}
	if s.oneIn(2) {
		threshold := 1 + s.random.Int32N(failures)
		spec.WarningThreshold = &threshold
	}
	if s.oneIn(10) {
		spec.Maintenance = &v1alpha1.Maintenance{Reason: s.text(512), Until: maybe(s, s.until())}
	}
	if s.oneIn(4) {
		spec.MaintenanceWindows = s.windows()
	}
	if s.oneIn(2) {
		spec.NodeName = s.name()
	} else {
		spec.ServiceRef = &v1alpha1.LocalServiceReference{Name: s.name()}
	}
	s.source(&spec)
	spec.Timeout = maybe(s, s.timeout(spec))
	return &v1alpha1.HealthCheck{ObjectMeta: s.object("check", i), Spec: spec}
}

// until is some time, far or near.
func (s *specs) until() *metav1.Time {
	until := metav1.NewTime(oneOf(s, time.Unix(1, 0), time.Now().Add(time.Second), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)))
	return &until
}

// windows are those that the schema takes; not all are ones for the library that reads them.
func (s *specs) windows() (windows []v1alpha1.MaintenanceWindow) {
	for range 1 + s.random.IntN(16) {
		windows = append(windows, v1alpha1.MaintenanceWindow{
			Schedule: oneOf(s, "0 2 * * 0", "@daily", "@yearly", "*/7 0-4,22 1,15 JAN-MAR mon-fri", "61 * * * *", "5-1 * * * *",
				"*/0 * * * *", "0 0 30 2 *", "? ? ? ? ?", "///// ,,,,, ----- ***** ?????", "99999999999999999999 * * * *", "0 0 * FOO BAR"),
			Duration: *s.duration(time.Minute, 90*time.Minute, 168*time.Hour),
			TimeZone: oneOf(s, "", "UTC", "Europe/Berlin", "Europe/Bonn", "Etc/GMT+5", "A/B", strings.Repeat("A", 64)),
			Reason:   s.text(512),
		})
	}
	return windows
}

// interval is seldom short: counters on their way to a threshold are written with every probe.
func (s *specs) interval() *metav1.Duration {
	if s.oneIn(8) {
		return s.duration(time.Second, 1001*time.Millisecond, 1500*time.Millisecond, 9999*time.Millisecond)
	}
	return s.duration(10*time.Second, time.Minute, 24*time.Hour)
}

// timeout is within the bounds of the schema, the interval among them, which is 10 s by default.
func (s *specs) timeout(spec v1alpha1.HealthCheckSpec) *metav1.Duration {
	most := 10 * time.Second
	if spec.Interval != nil {
		most = min(spec.Interval.Duration, time.Minute)
	}
	return s.duration(100*time.Millisecond, 101*time.Millisecond, 999*time.Millisecond, time.Second, most)
}

func (s *specs) source(spec *v1alpha1.HealthCheckSpec) {
	switch s.random.IntN(6) {
	case 0:
		spec.HTTP = s.http()
	case 1:
		spec.TCP = &v1alpha1.TCPProbe{Address: s.address()}
	case 2:
		spec.GRPC = &v1alpha1.GRPCProbe{Address: s.address(), Service: s.text(256), TLS: maybe(s, s.tls())}
	case 3:
		spec.UDP = &v1alpha1.UDPProbe{Address: s.address(), Payload: s.ascii(1024)}
	case 4:
		ttl := maybe(s, s.duration(time.Second, 24*time.Hour))
		spec.Heartbeat = &v1alpha1.HeartbeatProbe{LeaseName: s.name(), TTL: ttl}
	default:
		spec.Job = &v1alpha1.JobProbe{CronJobRef: v1alpha1.CronJobReference{Name: s.name()}}
		spec.Interval = maybe(s, s.duration(10*time.Second, 10001*time.Millisecond, 24*time.Hour))
	}
}

func (s *specs) http() *v1alpha1.HTTPProbe {
	follow := s.oneIn(2)
	probe := &v1alpha1.HTTPProbe{
		URL: s.url(), Method: oneOf(s, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
		Body: maybe(s, s.text(16384)), FollowRedirects: &follow,
	}
	for range maybe(s, s.random.IntN(33)) {
		probe.ExpectedStatuses = append(probe.ExpectedStatuses, s.statuses())
	}
	if strings.HasPrefix(probe.URL, "https:") {
		probe.TLS = maybe(s, s.tls())
	}
	if s.oneIn(4) { // the schema takes one of it
		host := s.header()
		host.Name = oneOf(s, "Host", "host")
		probe.Headers = append(probe.Headers, host)
	}
	for range s.random.IntN(31) {
		probe.Headers = append(probe.Headers, s.header())
	}
	return probe
}

// statuses is a code or a range.
func (s *specs) statuses() v1alpha1.StatusRange {
	from := 100 + s.random.IntN(500)
	if s.oneIn(3) {
		return v1alpha1.StatusRange(fmt.Sprint(from))
	}
	return v1alpha1.StatusRange(fmt.Sprintf("%d-%d", from, from+s.random.IntN(600-from)))
}

func (s *specs) header() v1alpha1.HTTPHeader {
	header := v1alpha1.HTTPHeader{Name: oneOf(s, "Expect", "Accept", "Cookie", "x-forwarded-for", "!#$%&*+.^_|~-", "X")}
	if s.oneIn(10) {
		header.ValueFrom = &v1alpha1.HeaderSource{SecretKeyRef: s.secretKey()}
		return header
	}
	value := s.line(4096)
	header.Value = &value
	return header
}

func (s *specs) secretKey() v1alpha1.SecretKeyReference {
	return v1alpha1.SecretKeyReference{Name: s.name(), Key: oneOf(s, "tls.crt", "-._A", strings.Repeat("k", 253))}
}

func (s *specs) tls() *v1alpha1.TLSConfig {
	config := &v1alpha1.TLSConfig{ServerName: oneOf(s, "", "web.example.com", "127.0.0.1", strings.Repeat("a.", 126)+"a"), InsecureSkipVerify: s.oneIn(2)}
	if s.oneIn(4) {
		key := s.secretKey()
		config.CASecretRef = &key
	}
	if s.oneIn(4) {
		config.ClientCertSecretRef = &v1alpha1.SecretReference{Name: s.name()}
	}
	return config
}

func (s *specs) alias(i int) *v1alpha1.AliasCheck {
	alias := &v1alpha1.AliasCheck{ObjectMeta: s.object("alias", i)}
	alias.Spec.WhenMissing = maybe(s, given[s.random.IntN(4)])
	alias.Spec.WhenEmpty = maybe(s, given[s.random.IntN(4)])
	switch s.random.IntN(5) {
	case 0:
		alias.Spec.Selector = s.selector()
	case 1:
		alias.Spec.Targets = s.targets()
	case 2:
		alias.Spec.TargetRef = s.ruled()
	default:
		alias.Spec.TargetRef = s.target()
	}
	if several(alias.Spec) && alias.Spec.TargetRef == nil {
		alias.Spec.MinReady = maybe(s, s.minReady())
	}
	return alias
}

func (s *specs) target() *v1alpha1.TargetReference {
	name := oneOf(s, "a", "A..b", "0:_:0", strings.Repeat("x", 253), s.pick("check"), s.pick("alias"))
	target := &v1alpha1.TargetReference{
		Name: name, Kind: oneOf(s, "HealthCheck", "AliasCheck", "AliasCheck", "Service", "Node"),
		ConditionType: maybe(s, oneOf(s, "Ready", "example.com/A..b", strings.Repeat("x", 316))),
	}
	if s.oneIn(2) {
		target.Kind = oneOf(s, "Secret", "ConfigMap", "Pod", "PodList", "Event", "Namespace", "Deployment", "Lease",
			"ReferenceGrant", "TokenReview", "Scale", "Nonsense", strings.Repeat("K", 63), "HealthCheck", "Node")
		target.APIVersion = oneOf(s, "v1", "apps/v1", "v99", "a..b/v1", "events.k8s.io/v1", "coordination.k8s.io/v1",
			"health.aliascheck.dev/v1alpha1", "gateway.networking.k8s.io/v1", "authentication.k8s.io/v1", "autoscaling/v1")
	}
	if target.Kind != "Node" {
		target.Namespace = maybe(s, oneOf(s, s.namespace, "default", "nowhere", strings.Repeat("x", 63)))
	}
	return target
}

func (s *specs) targets() (targets []v1alpha1.TargetReference) {
	for range 1 + s.random.IntN(16) {
		target := *s.target()
		same := func(other v1alpha1.TargetReference) bool { return reflect.DeepEqual(other, target) }
		if !slices.ContainsFunc(targets, same) {
			targets = append(targets, target)
		}
	}
	return targets
}

func (s *specs) selector() *v1alpha1.Selector {
	selector := &v1alpha1.Selector{Kinds: [][]v1alpha1.SelectorKind{
		nil, {v1alpha1.SelectHealthChecks}, {v1alpha1.SelectAliasChecks}, {v1alpha1.SelectAliasChecks, v1alpha1.SelectHealthChecks},
	}[s.random.IntN(4)]}
	for range s.random.IntN(4) {
		if selector.MatchLabels == nil {
			selector.MatchLabels = map[string]v1alpha1.LabelValue{}
		}
		selector.MatchLabels[s.labelKey()] = s.labelValue()
	}
	for range s.random.IntN(4) {
		requirement := v1alpha1.SelectorRequirement{
			Key: s.labelKey(),
			Operator: oneOf(s, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists,
				metav1.LabelSelectorOpDoesNotExist),
		}
		switch requirement.Operator {
		case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
			requirement.Values = []v1alpha1.LabelValue{s.labelValue()}
		}
		selector.MatchExpressions = append(selector.MatchExpressions, requirement)
	}
	return selector
}

// labelKey is one that the schema allows; not all are labels for Kubernetes, which has no empty part between two dots.
func (s *specs) labelKey() string {
	return oneOf(s, "team", "a..b/team", "0/0..0", strings.Repeat("x", 253)+"/"+strings.Repeat("X", 63))
}

func (s *specs) labelValue() v1alpha1.LabelValue {
	return oneOf[v1alpha1.LabelValue](s, "", "0", "A..b", v1alpha1.LabelValue(strings.Repeat("x", 63)))
}
