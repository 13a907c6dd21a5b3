package e2e

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// malformed is a spec that is refused, with a message that has the field and the remedy in it.
type malformed struct {
	name   string
	spec   string
	field  string
	remedy string
}

var malformedHealthChecks = []malformed{
	{"nothing to look at", `{interval: 10s}`,
		"spec", "set exactly one of http, tcp, grpc, udp, dns, heartbeat or job"},
	{"two things to look at", `{tcp: {address: "db:5432"}, http: {url: "http://web"}}`,
		"spec", "set exactly one of http, tcp, grpc, udp, dns, heartbeat or job"},
	{"a Service and a Node", `{serviceRef: {name: web}, nodeName: worker-1, tcp: {address: "db:5432"}}`,
		"spec", "set serviceRef or nodeName, not both"},
	{"an interval that is no duration", `{interval: often, tcp: {address: "db:5432"}}`,
		"spec.interval", "a duration from 1s to 24h, such as 10s"},
	{"an interval below a second", `{interval: 100ms, timeout: 100ms, tcp: {address: "db:5432"}}`,
		"spec.interval", "a duration from 1s to 24h, such as 10s"},
	{"an interval above a day", `{interval: 25h, tcp: {address: "db:5432"}}`,
		"spec.interval", "a duration from 1s to 24h, such as 10s"},
	{"a negative interval", `{interval: -10s, tcp: {address: "db:5432"}}`,
		"spec.interval", "a duration from 1s to 24h, such as 10s"},
	{"an interval that is a number", `{interval: 10, tcp: {address: "db:5432"}}`,
		"spec.interval", "a duration from 1s to 24h, such as 10s"},
	{"a timeout that is a number, and an interval for Jobs", `{interval: 10, timeout: 5, job: {cronJobRef: {name: smoke}}}`,
		"spec.timeout", "a duration from 100ms to 1m, such as 500ms or 5s"},
	{"a window of so many seconds", `{maintenanceWindows: [{schedule: "@daily", duration: 3600, reason: x}], tcp: {address: "db:5432"}}`,
		"spec.maintenanceWindows[0].duration", "duration must be from 1m to 168h, such as 2h"},
	{"a ttl that is a number", `{heartbeat: {leaseName: worker, ttl: 30}}`,
		"spec.heartbeat.ttl", "a duration from 1s to 24h, such as 30s"},
	{"a timeout above the interval", `{interval: 2s, timeout: 5s, tcp: {address: "db:5432"}}`,
		"spec", "timeout must not be above interval"},
	{"a timeout of nothing", `{timeout: 0s, tcp: {address: "db:5432"}}`,
		"spec.timeout", "a duration from 100ms to 1m, such as 500ms or 5s"},
	{"a Job every second", `{interval: 1s, timeout: 1s, job: {cronJobRef: {name: smoke}}}`,
		"spec", "interval must be at least 10s with job"},
	{"Warning after Critical", `{warningThreshold: 5, failureThreshold: 3, tcp: {address: "db:5432"}}`,
		"spec", "warningThreshold must not be above failureThreshold"},
	{"a threshold of zero", `{failureThreshold: 0, tcp: {address: "db:5432"}}`,
		"spec.failureThreshold", "greater than or equal to 1"},
	{"a threshold beyond all patience", `{successThreshold: 101, tcp: {address: "db:5432"}}`,
		"spec.successThreshold", "less than or equal to 100"},
	{"an initial state that does not exist", `{initialState: Green, tcp: {address: "db:5432"}}`,
		"spec.initialState", `"Unknown", "Passing", "Warning", "Critical"`},
	{"maintenance for no reason", `{maintenance: {}, tcp: {address: "db:5432"}}`,
		"spec.maintenance.reason", "Required value"},
	{"an end of a maintenance that is no time", `{maintenance: {reason: disk, until: noon}, tcp: {address: "db:5432"}}`,
		"spec.maintenance.until", "date-time"},
	// One that is a time for the format, and that nobody can read, would keep the manager from reading any check.
	{"an end of a maintenance in lower case", `{maintenance: {reason: disk, until: "2026-12-01t06:00:00z"}, tcp: {address: "db:5432"}}`,
		"spec.maintenance.until", "until must be a time such as 2026-12-01T06:00:00Z"},
	{"an end of a maintenance with a strange second", `{maintenance: {reason: disk, until: "2026-12-01T06:00:00x5Z"}, tcp: {address: "db:5432"}}`,
		"spec.maintenance.until", "until must be a time such as 2026-12-01T06:00:00Z"},
	{"an end of a maintenance in no zone of this world", `{maintenance: {reason: disk, until: "2026-12-01T06:00:00+99:99"}, tcp: {address: "db:5432"}}`,
		"spec.maintenance.until", "until must be a time such as 2026-12-01T06:00:00Z"},
	{"a window without a schedule", `{maintenanceWindows: [{schedule: often, duration: 1h, reason: x}], tcp: {address: "db:5432"}}`,
		"spec.maintenanceWindows[0].schedule", "a cron schedule of five fields, such as 0 2 * * 0 for Sundays at 2:00"},
	{"a window with a time zone in its schedule",
		`{maintenanceWindows: [{schedule: "TZ=UTC 0 2 * * 0", duration: 1h, reason: x}], tcp: {address: "db:5432"}}`,
		"spec.maintenanceWindows[0].schedule", "the time zone is in timeZone"},
	{"a window of a second", `{maintenanceWindows: [{schedule: "@daily", duration: 1s, reason: x}], tcp: {address: "db:5432"}}`,
		"spec.maintenanceWindows[0].duration", "duration must be from 1m to 168h, such as 2h"},
	{"a window in no time zone",
		`{maintenanceWindows: [{schedule: "@daily", duration: 1h, timeZone: Local, reason: x}], tcp: {address: "db:5432"}}`,
		"spec.maintenanceWindows[0].timeZone", "the name of a time zone, such as Europe/Berlin or UTC"},
	{"a window for no reason", `{maintenanceWindows: [{schedule: "@daily", duration: 1h}], tcp: {address: "db:5432"}}`,
		"spec.maintenanceWindows[0].reason", "Required value"},
	{"a URL without a scheme", `{http: {url: "web.shop:8080/healthz"}}`,
		"spec.http.url", "an absolute http or https URL, such as http://web.shop:8080/healthz"},
	{"a URL of another scheme", `{http: {url: "ftp://web.shop/healthz"}}`,
		"spec.http.url", "an absolute http or https URL, such as http://web.shop:8080/healthz"},
	{"a URL without a host", `{http: {url: "http:///healthz"}}`,
		"spec.http.url", "an absolute http or https URL"},
	{"credentials in the URL", `{http: {url: "http://admin:secret@web.shop/healthz"}}`,
		"spec.http.url", "send them with basicAuth, bearerToken, or headers and valueFrom.secretKeyRef"},
	{"TLS over plain HTTP", `{http: {url: "http://web", tls: {insecureSkipVerify: true}}}`,
		"spec.http", "begin url with https://, or leave tls out"},
	{"an unheard-of method", `{http: {url: "http://web", method: FETCH}}`,
		"spec.http.method", `"GET", "HEAD"`},
	{"an invalid status", `{http: {url: "http://web", expectedStatuses: ["OK"]}}`,
		"spec.http.expectedStatuses[0]", "a code or a range from 100 to 999, the lower first, such as 204 or 200-299"},
	{"a range upside down", `{http: {url: "http://web", expectedStatuses: ["200", "299-200"]}}`,
		"spec.http.expectedStatuses[1]", "the lower first, such as 204 or 200-299"},
	{"a status that is no code", `{http: {url: "http://web", expectedStatuses: [20]}}`,
		"spec.http.expectedStatuses[0]", "a code or a range from 100 to 999"},
	{"a port that no URL has", `{http: {url: "http://web:99999/healthz"}}`,
		"spec.http.url", "url must have a port from 1 to 65535, or none"},
	{"port 0", `{http: {url: "http://web:0/healthz"}}`,
		"spec.http.url", "url must have a port from 1 to 65535, or none"},
	{"h2c with TLS", `{http: {url: "https://web", protocol: h2c}}`,
		"spec.http", "begin url with http://, or leave protocol out"},
	{"another protocol", `{http: {url: "http://web", protocol: spdy}}`,
		"spec.http.protocol", `"h2c"`},
	{"two ways to authorize", `{http: {url: "http://web", basicAuth: {secretRef: {name: web}},
		bearerToken: {secretKeyRef: {name: web, key: token}}}}`,
		"spec.http", "set at most one of basicAuth, bearerToken and a header Authorization"},
	{"a token beside a header", `{http: {url: "http://web", bearerToken: {secretKeyRef: {name: web, key: token}},
		headers: [{name: authorization, value: a}]}}`,
		"spec.http", "set at most one of basicAuth, bearerToken and a header Authorization"},
	{"two hosts", `{http: {url: "http://web", headers: [{name: Host, value: a}, {name: host, value: b}]}}`,
		"spec.http", "headers must have Host and User-Agent once at most"},
	{"a header of the connection", `{http: {url: "http://web", headers: [{name: content-length, value: "7"}]}}`,
		"spec.http.headers[0].name", "must not be one of the connection's own"},
	{"an expectation of nothing", `{http: {url: "http://web", expect: [{otherwise: Warning}]}}`,
		"spec.http.expect[0].that", "Required value"},
	{"an expectation that ends in Passing", `{http: {url: "http://web", expect: [{that: "true", otherwise: Passing}]}}`,
		"spec.http.expect[0].otherwise", `"Critical", "Warning"`},
	{"authorities twice", `{tcp: {address: "db:5432", tls: {caSecretRef: {name: ca, key: ca.crt}, caConfigMapRef: {name: ca, key: ca.crt}}}}`,
		"spec.tcp.tls", "set caSecretRef or caConfigMapRef, not both"},
	{"authorities of no ConfigMap", `{tcp: {address: "db:5432", tls: {caConfigMapRef: {name: CA, key: ca.crt}}}}`,
		"spec.tcp.tls.caConfigMapRef.name", "name must be the name of a ConfigMap, such as kube-root-ca.crt"},
	{"a server name with a scheme", `{tcp: {address: "db:5432", tls: {serverName: "https://db"}}}`,
		"spec.tcp.tls.serverName", "without a scheme and a port"},
	{"days before the end of a certificate", `{tcp: {address: "db:5432", tls: {warnBeforeExpiry: 14d}}}`,
		"spec.tcp.tls.warnBeforeExpiry", "a duration from 1m to 10000h, such as 336h for two weeks"},
	{"an authority with a path", `{grpc: {address: "api:9000", authority: "api.shop/v1"}}`,
		"spec.grpc.authority", "must be a host, with or without a port, such as cart.shop.example"},
	{"a header of gRPC's own", `{grpc: {address: "api:9000", headers: [{name: grpc-timeout, value: 1S}]}}`,
		"spec.grpc", "headers must not be ones of gRPC's own"},
	{"two payloads", `{udp: {address: "game:27015", payload: a, payloadBase64: YQ==}}`,
		"spec.udp", "set payload or payloadBase64, not both"},
	{"bytes as text", `{udp: {address: "game:27015", payload: "\xff\xff\xff\xffT\0"}}`,
		"spec.udp.payload", "payload must be ASCII: give other bytes in payloadBase64"},
	{"base64 without its padding", `{udp: {address: "game:27015", payloadBase64: YQ}}`,
		"spec.udp.payloadBase64", "must be base64 with its padding"},
	{"a name with a space", `{dns: {name: "web example.com"}}`,
		"spec.dns.name", "the whole name of a host or a domain, such as web.example.com"},
	{"a type of records that is not known", `{dns: {name: web.example.com, type: SOA}}`,
		"spec.dns.type", `"A", "AAAA"`},
	{"a DNS server without a port", `{dns: {name: web.example.com, server: 10.96.0.10}}`,
		"spec.dns.server", "a host and a port from 1 to 65535"},
	{"an address that is a name", `{dns: {name: web.example.com, expect: [other.example.com]}}`,
		"spec.dns", "expect must have IP addresses for the types A and AAAA, such as 192.0.2.1"},
	{"success as a warning", `{job: {cronJobRef: {name: smoke}, warningExitCodes: [0]}}`,
		"spec.job.warningExitCodes[0]", "greater than or equal to 1"},
	{"an exit code that no process has", `{job: {cronJobRef: {name: smoke}, warningExitCodes: [256]}}`,
		"spec.job.warningExitCodes[0]", "less than or equal to 255"},
	{"no status at all", `{http: {url: "http://web", expectedStatuses: []}}`,
		"spec.http.expectedStatuses", "should have at least 1 items"},
	{"a header without a value", `{http: {url: "http://web", headers: [{name: X-Probe}]}}`,
		"spec.http.headers[0]", "set exactly one of value and valueFrom"},
	{"a header with two values",
		`{http: {url: "http://web", headers: [{name: X, value: a, valueFrom: {secretKeyRef: {name: s, key: k}}}]}}`,
		"spec.http.headers[0]", "set exactly one of value and valueFrom"},
	{"a header name with a space", `{http: {url: "http://web", headers: [{name: "X Probe", value: a}]}}`,
		"spec.http.headers[0].name", "an HTTP token, such as X-Probe"},
	{"a header that smuggles another", `{http: {url: "http://web", headers: [{name: X, value: "a\r\nY: b"}]}}`,
		"spec.http.headers[0].value", "a single line without control characters"},
	{"an address without a port", `{tcp: {address: db.shop}}`,
		"spec.tcp.address", "a host and a port from 1 to 65535, such as db.shop:5432"},
	{"an invalid port", `{udp: {address: "dns.kube-system:70000"}}`,
		"spec.udp.address", "a host and a port from 1 to 65535"},
	{"a bare IPv6 address", `{grpc: {address: "fd00::1:5432"}}`,
		"spec.grpc.address", "such as db.shop:5432 or [fd00::1]:5432"},
	{"a heartbeat without a Lease", `{heartbeat: {ttl: 30s}}`,
		"spec.heartbeat.leaseName", "Required value"},
	{"a Lease with its namespace", `{heartbeat: {leaseName: shop/worker}}`,
		"spec.heartbeat.leaseName", "leaseName must be the name of a Lease, such as worker"},
	{"a Lease in capitals", `{heartbeat: {leaseName: Worker}}`,
		"spec.heartbeat.leaseName", "leaseName must be the name of a Lease, such as worker"},
	{"a CronJob with a space", `{job: {cronJobRef: {name: "e2e smoke"}}}`,
		"spec.job.cronJobRef.name", "name must be the name of a CronJob, such as e2e-smoke"},
	{"a Service with its port", `{serviceRef: {name: "web:8080"}, tcp: {address: "db:5432"}}`,
		"spec.serviceRef.name", "name must be the name of a Service, such as web"},
	{"a Node that ends in a dot", `{nodeName: worker-1., tcp: {address: "db:5432"}}`,
		"spec.nodeName", "nodeName must be the name of a Node, such as worker-1"},
	{"a Secret of another namespace",
		`{http: {url: "http://web", headers: [{name: X, valueFrom: {secretKeyRef: {name: shop/token, key: k}}}]}}`,
		"spec.http.headers[0].valueFrom.secretKeyRef.name", "name must be the name of a Secret, such as web-token"},
	{"a key that no Secret can have",
		`{http: {url: "http://web", headers: [{name: X, valueFrom: {secretKeyRef: {name: token, key: "a key"}}}]}}`,
		"spec.http.headers[0].valueFrom.secretKeyRef.key", "key must be a key of a Secret's data, such as token or ca.crt"},
	{"authorities of no Secret", `{grpc: {address: "api:9000", tls: {caSecretRef: {name: CA, key: ca.crt}}}}`,
		"spec.grpc.tls.caSecretRef.name", "name must be the name of a Secret, such as web-token"},
	{"a client certificate of no Secret", `{http: {url: "https://web", tls: {clientCertSecretRef: {name: my_cert}}}}`,
		"spec.http.tls.clientCertSecretRef.name", "name must be the name of a Secret, such as web-client"},
	{"a ttl that is no duration", `{heartbeat: {leaseName: worker, ttl: soon}}`,
		"spec.heartbeat.ttl", "a duration from 1s to 24h, such as 30s"},
	{"a misspelt field", `{tcp: {address: "db:5432"}, intervall: 10s}`,
		"spec.intervall", "unknown field"},
}

var malformedAliasChecks = []malformed{
	{"a conditionStatus of no condition", `{targetRef: {name: web, conditionStatus: "False"}}`,
		"spec.targetRef", "set conditionType too, or leave conditionStatus out"},
	{"a conditionStatus of Unknown", `{targetRef: {name: web, conditionType: Ready, conditionStatus: Unknown}}`,
		"spec.targetRef.conditionStatus", `supported values: "True", "False"`},
	{"rules beside a condition", `{targetRef: {apiVersion: apps/v1, kind: Deployment, name: web, conditionType: Available, health: [{state: Passing, when: "true"}]}}`,
		"spec.targetRef", "set at most one of health (rules over the object) and conditionType (one condition of it)"},
	{"rules for a HealthCheck", `{targetRef: {name: web, health: [{state: Passing, when: "true"}]}}`,
		"spec.targetRef", "health must not be set for a HealthCheck, AliasCheck, Service or Node"},
	{"rules for a Node", `{targetRef: {kind: Node, name: web, health: [{state: Passing, when: "true"}]}}`,
		"spec.targetRef", "health must not be set for a HealthCheck, AliasCheck, Service or Node"},
	{"no rules", `{targetRef: {apiVersion: apps/v1, kind: Deployment, name: web, health: []}}`,
		"spec.targetRef.health", "should have at least 1 items"},
	{"a reason of a rule in words", `{targetRef: {apiVersion: apps/v1, kind: Deployment, name: web, health: [{state: Passing, when: "true", reason: all well}]}}`,
		"spec.targetRef.health[0].reason", "reason must be in CamelCase, such as ClusterRed"},
	{"an invalid state when nothing is reported", `{targetRef: {name: web}, whenUnreported: Maintenance}`,
		"spec.whenUnreported", `supported values: "Unknown", "Critical", "Warning", "Passing"`},
	{"nothing to mirror", `{whenMissing: Critical}`,
		"spec", "set exactly one of targetRef (one object), targets (several objects) and selector (checks by label)"},
	{"one object and a selector", `{targetRef: {name: web}, selector: {matchLabels: {team: shop}}}`,
		"spec", "set exactly one of targetRef (one object), targets (several objects) and selector (checks by label)"},
	{"minReady of none", `{selector: {}, minReady: 0}`,
		"spec.minReady", "minReady must be a number from 1 to 1000000, or a percentage from 1% to 100%, such as 2 or 50%"},
	{"minReady of more than can be counted", `{selector: {}, minReady: 3000000000}`,
		"spec.minReady", "minReady must be a number from 1 to 1000000"},
	{"minReady of more than all", `{selector: {}, minReady: 101%}`,
		"spec.minReady", "a percentage from 1% to 100%, such as 2 or 50%"},
	{"minReady of no percent", `{selector: {}, minReady: 0%}`,
		"spec.minReady", "a percentage from 1% to 100%, such as 2 or 50%"},
	{"minReady in words", `{selector: {}, minReady: half}`,
		"spec.minReady", "a percentage from 1% to 100%, such as 2 or 50%"},
	{"minReady of a target that has one state only", `{targetRef: {name: web}, minReady: 1}`,
		"spec", "minReady counts where several are combined"},
	{"minReady of one condition", `{targetRef: {kind: Node, name: worker-1, conditionType: Ready}, minReady: 1}`,
		"spec", "minReady counts where several are combined"},
	{"minReady of a Service that is of another group", `{targetRef: {apiVersion: serving.knative.dev/v1, kind: Service, name: web}, minReady: 1}`,
		"spec", "minReady counts where several are combined"},
	{"one object and several", `{targetRef: {name: web}, targets: [{name: db}]}`,
		"spec", "set exactly one of targetRef (one object), targets (several objects) and selector (checks by label)"},
	{"no targets at all", `{targets: []}`,
		"spec.targets", "targets must name 1 to 16 objects"},
	{"seventeen targets", `{targets: [` + strings.Repeat(`{name: web}, `, 16) + `{name: db}]}`,
		"spec.targets", "must have at most 16 items"},
	{"the same target twice", `{targets: [{name: web}, {name: db}, {kind: HealthCheck, name: web}]}`,
		"spec.targets", "targets must not have the same reference twice"},
	{"one of several without a name", `{targets: [{name: web}, {kind: Service}]}`,
		"spec.targets[1].name", "Required value"},
	{"one of several without its group", `{targets: [{kind: Deployment, name: web}]}`,
		"spec.targets[0]", "apiVersion is required for this kind"},
	{"a selector of nothing", `{selector: {kinds: []}}`,
		"spec.selector.kinds", "kinds must have HealthCheck, AliasCheck, or both"},
	{"a selector of another kind", `{selector: {kinds: [Service]}}`,
		"spec.selector.kinds[0]", `"HealthCheck", "AliasCheck"`},
	{"a target without a name", `{targetRef: {kind: Service}}`,
		"spec.targetRef.name", "Required value"},
	{"a kind without its group", `{targetRef: {kind: Deployment, name: web}}`,
		"spec.targetRef", "apiVersion is required for this kind, such as apps/v1 for a Deployment"},
	{"a kind in lower case", `{targetRef: {apiVersion: apps/v1, kind: deployment, name: web}}`,
		"spec.targetRef.kind", "in CamelCase, such as Deployment"},
	{"a kind of the core group in lower case", `{targetRef: {apiVersion: v1, kind: pod, name: web}}`,
		"spec.targetRef.kind", "in CamelCase, such as Deployment"},
	{"a kind with a slash", `{targetRef: {apiVersion: acid.zalan.do/v1, kind: postgresql/status, name: web}}`,
		"spec.targetRef.kind", "must be the name of a kind, such as Deployment"},
	{"a group without a version", `{targetRef: {apiVersion: apps, kind: Deployment, name: web}}`,
		"spec.targetRef.apiVersion", "such as v1 or apps/v1"},
	{"a namespace for a Node", `{targetRef: {kind: Node, name: worker-1, namespace: shop}}`,
		"spec.targetRef", "namespace must not be set for kind Node"},
	{"a namespace that is no name", `{targetRef: {name: web, namespace: "My Shop"}}`,
		"spec.targetRef.namespace", "the name of a namespace, such as shop"},
	{"a name with a slash", `{targetRef: {name: "shop/web"}}`,
		"spec.targetRef.name", "the name of an object, such as web"},
	{"a condition type with a space", `{targetRef: {name: web, conditionType: "is ready"}}`,
		"spec.targetRef.conditionType", "the type of a condition, such as Available"},
	{"Maintenance for a missing target", `{targetRef: {name: web}, whenMissing: Maintenance}`,
		"spec.whenMissing", `"Critical", "Warning", "Unknown", "Passing"`},
	{"In without values", `{selector: {matchExpressions: [{key: team, operator: In}]}}`,
		"spec.selector.matchExpressions[0]", "values must be given for the operators In and NotIn"},
	{"Exists with values", `{selector: {matchExpressions: [{key: team, operator: Exists, values: [shop]}]}}`,
		"spec.selector.matchExpressions[0]", "values must be given for the operators In and NotIn, and for no other"},
	{"a namespace for a Node of v1", `{targetRef: {apiVersion: v1, kind: Node, name: worker-1, namespace: shop}}`,
		"spec.targetRef", "namespace must not be set for kind Node"},
	{"a label key with a space", `{selector: {matchExpressions: [{key: "my team", operator: Exists}]}}`,
		"spec.selector.matchExpressions[0].key", "the key of a label, such as team"},
	{"a label key that is too long", `{selector: {matchExpressions: [{key: ` + longName + `, operator: Exists}]}}`,
		"spec.selector.matchExpressions[0].key", "63 after it"},
	{"a value that no label has", `{selector: {matchExpressions: [{key: team, operator: In, values: [shop, "my shop"]}]}}`,
		"spec.selector.matchExpressions[0].values[1]", "must be the value of a label, such as shop"},
	{"a label to match with a space in its key", `{selector: {matchLabels: {team: shop, "my team": shop}}}`,
		"spec.selector.matchLabels", "keys must be keys of labels, such as team or example.com/team"},
	{"a label to match without a key", `{selector: {matchLabels: {"": shop}}}`,
		"spec.selector.matchLabels", "keys must be keys of labels, such as team or example.com/team"},
	{"a label to match of too long a name", `{selector: {matchLabels: {example.com/` + longName + `: shop}}}`,
		"spec.selector.matchLabels", "63 after it"},
	{"a label to match of too long a prefix", `{selector: {matchLabels: {` + longPrefix + `/team: shop}}}`,
		"spec.selector.matchLabels", "at most 253 characters before the slash"},
	{"a label to match with a space in its value", `{selector: {matchLabels: {team: "my shop"}}}`,
		"spec.selector.matchLabels[team]", "must be the value of a label, such as shop"},
	{"a label to match with too long a value", `{selector: {matchLabels: {team: ` + longName + `}}}`,
		"spec.selector.matchLabels.team", "63"},
}

var malformedHealthRules = []malformed{
	{"no rule", `{target: {group: apps, kind: Deployment}, rules: []}`, "spec.rules", "should have at least 1 items"},
	{"rules of nothing", `{rules: [{state: Passing, when: "true"}]}`, "spec.target", "Required value"},
	{"a kind in lower case", `{target: {group: apps, kind: deployment}, rules: [{state: Passing, when: "true"}]}`,
		"spec.target.kind", "in CamelCase, such as Deployment"},
	{"a kind in lower case, of the core group", `{target: {kind: pod}, rules: [{state: Passing, when: "true"}]}`,
		"spec.target.kind", "in CamelCase, such as Deployment"},
	{"a kind with a dot", `{target: {kind: deployments.apps}, rules: [{state: Passing, when: "true"}]}`,
		"spec.target.kind", "must be the name of a kind, such as Deployment"},
	{"a group with its version", `{target: {group: apps/v1, kind: Deployment}, rules: [{state: Passing, when: "true"}]}`,
		"spec.target.group", "the name of an API group without a version, such as apps"},
	{"an invalid state", `{target: {kind: Pod}, rules: [{state: Fine, when: "true"}]}`,
		"spec.rules[0].state", `supported values: "Passing", "Warning", "Critical", "Unknown", "Maintenance"`},
	{"no expression", `{target: {kind: Pod}, rules: [{state: Passing, when: ""}]}`,
		"spec.rules[0].when", "should be at least 1 chars long"},
	{"a reason in words", `{target: {kind: Pod}, rules: [{state: Passing, when: "true", reason: all well}]}`,
		"spec.rules[0].reason", "reason must be in CamelCase, such as ClusterRed"},
}

// One byte longer than what follows the slash, and what precedes it, may be.
var longName, longPrefix = strings.Repeat("x", 64), strings.Repeat("x", 254)

func TestAMalformedHealthCheckIsRefusedWithItsFieldAndTheRemedy(t *testing.T) {
	areRefused(t, "HealthCheck", malformedHealthChecks)
}

func TestAMalformedAliasCheckIsRefusedWithItsFieldAndTheRemedy(t *testing.T) {
	areRefused(t, "AliasCheck", malformedAliasChecks)
}

func TestAMalformedHealthRuleIsRefusedWithItsFieldAndTheRemedy(t *testing.T) {
	areRefused(t, "HealthRule", malformedHealthRules)
}

func areRefused(t *testing.T, kind string, cases []malformed) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := admit(t, kind, c.spec)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, wanted := range []string{c.field, c.remedy} {
				if !strings.Contains(err.Error(), wanted) {
					t.Errorf("the message does not say %q: %s", wanted, err)
				}
			}
		})
	}
}

func TestTheSmallestSpecsAreAccepted(t *testing.T) {
	for kind, spec := range map[string]string{
		"HealthCheck": `{tcp: {address: "db:5432"}}`,
		"AliasCheck":  `{targetRef: {name: web}}`,
		"HealthRule":  `{target: {group: acid.zalan.do, kind: postgresql}, rules: [{state: Passing, when: "true"}]}`,
	} {
		if err := admit(t, kind, spec); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestEveryReferenceAndTLSAreAccepted(t *testing.T) {
	for _, spec := range []string{
		`{serviceRef: {name: web}, http: {url: "HTTPS://web",
		  headers: [{name: X, valueFrom: {secretKeyRef: {name: a.b-c, key: A_b.c-1}}}],
		  tls: {caSecretRef: {name: ca, key: ca.crt}, clientCertSecretRef: {name: 1-client}}}}`,
		`{nodeName: ip-10-0-0-7.eu.internal, heartbeat: {leaseName: worker.shop}}`,
		`{job: {cronJobRef: {name: e2e-smoke}, warningExitCodes: [1, 75]}}`,
		`{http: {url: "http://[fd00::1]:8080/healthz?a=b:99999", protocol: h2c, expectedStatuses: [204, "404", "500-999"],
		  basicAuth: {secretRef: {name: web}}, headers: [{name: authId, value: demo}, {name: X-Probe, value: 1}, {name: X-Large, value: 99999999999}, {name: Host, value: a}],
		  expect: [{that: "response.json.status == 'up'", otherwise: Warning, message: down}]}}`,
		`{http: {url: "https://web", bearerToken: {secretKeyRef: {name: web, key: token}},
		  tls: {serverName: web.shop, caConfigMapRef: {name: kube-root-ca.crt, key: ca.crt}, warnBeforeExpiry: 336h}}}`,
		`{tcp: {address: "db:5432", tls: {insecureSkipVerify: true}}}`,
		`{grpc: {address: "api:9000", authority: "cart.shop.example:443", headers: [{name: x-tenant, value: a}], tls: {}}}`,
		`{udp: {address: "game:27015", payloadBase64: /////1QA, expectReply: true}}`,
		`{dns: {name: web.example.com, server: "10.96.0.10:53", expect: ["192.0.2.1"]}}`,
		`{dns: {name: _sip._tcp.example.com., type: SRV, expect: ["10 60 5060 sip.example.com"]}}`,
		`{dns: {name: 192.0.2.1, type: PTR}}`,
		`{tcp: {address: "db:5432"}, maintenance: {reason: disk, until: "2026-12-01T06:00:00Z"}, maintenanceWindows: [
		  {schedule: "*/15 0-4,22 1,15 JAN-MAR mon-fri", duration: 1h30m, timeZone: America/Argentina/Buenos_Aires, reason: x},
		  {schedule: "@weekly", duration: 168h, timeZone: Etc/GMT+5, reason: x}]}`,
	} {
		if err := admit(t, "HealthCheck", spec); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestEveryTargetAndSelectorIsAccepted(t *testing.T) {
	for _, spec := range []string{
		`{targetRef: {kind: Node, name: worker-1}}`,
		`{targetRef: {apiVersion: v1, kind: Node, name: worker-1}}`,
		`{targetRef: {apiVersion: fleet.example.com/v1, kind: Node, name: worker-1, namespace: shop}}`,
		`{targetRef: {apiVersion: acid.zalan.do/v1, kind: postgresql, name: web}}`,
		`{selector: {}}`,
		`{selector: {}, minReady: 2}`,
		`{selector: {kinds: [AliasCheck, HealthCheck], matchLabels: {team: shop}}}`,
		`{minReady: 3, targets: [{name: web}, {kind: Node, name: worker-1}, {kind: Service, name: web, conditionType: Ready},
		  {kind: Service, name: web, conditionType: Synced}, {kind: Service, name: web}, {apiVersion: apps/v1, kind: Deployment, name: web}]}`,
		`{targetRef: {kind: Service, name: web}, minReady: 50%}`,
		`{targetRef: {apiVersion: v1, kind: Node, name: worker-1}, minReady: 100%}`,
		`{selector: {matchLabels: {team: "", example.com/A_b.c-1: A_b.c-1}}}`,
		`{selector: {matchLabels: {` + longPrefix[1:] + `/` + longName[1:] + `: ` + longName[1:] + `}}}`,
		`{selector: {matchExpressions: [{key: ` + longPrefix[1:] + `/` + longName[1:] + `, operator: NotIn, values: ["", shop]}]}}`,
	} {
		if err := admit(t, "AliasCheck", spec); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// One status that nobody can read would keep the manager from reading any check.
func TestAStatusWithATimeThatNobodyCanReadIsRefused(t *testing.T) {
	check := &v1alpha1.HealthCheck{}
	check.Namespace, check.Name, check.Spec.TCP = "default", "times", &v1alpha1.TCPProbe{Address: "db:5432"}
	if err := api.Create(t.Context(), check); err != nil {
		t.Fatal(err)
	}
	const unreadable = "2026-12-01t06:00:00z"
	for field, status := range map[string]string{
		"lastTransitionTime":   `{"lastTransitionTime":"` + unreadable + `"}`,
		"lastProbeTime":        `{"lastProbeTime":"` + unreadable + `"}`,
		"conditions":           `{"conditions":[{"type":"Ready","status":"True","reason":"A","message":"","lastTransitionTime":"` + unreadable + `"}]}`,
		"consecutiveSuccesses": `{"consecutiveSuccesses":3000000000}`,
		"observedGeneration":   `{"observedGeneration":30000000000000000000}`,
	} {
		raw := &unstructured.Unstructured{}
		raw.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("HealthCheck"))
		raw.SetNamespace(check.Namespace)
		raw.SetName(check.Name)
		patch := client.RawPatch(types.MergePatchType, []byte(`{"status":`+status+`}`))
		if err := api.Status().Patch(t.Context(), raw, patch); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

// A number is the same in quotes.
func TestAHeaderMayBeANumber(t *testing.T) {
	check := &unstructured.Unstructured{}
	manifest := `{apiVersion: health.aliascheck.dev/v1alpha1, kind: HealthCheck, metadata: {name: numbers, namespace: default},
		spec: {http: {url: "http://web", headers: [{name: A, value: 99999999999}, {name: B, value: "07"},
		{name: C, valueFrom: {secretKeyRef: {name: c, key: c}}}]}}}`
	if err := yaml.Unmarshal([]byte(manifest), &check.Object); err != nil {
		t.Fatal(err)
	}
	if err := api.Create(t.Context(), check); err != nil {
		t.Fatal(err)
	}
	read := &v1alpha1.HealthCheck{}
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(check), read); err != nil {
		t.Fatal(err)
	}
	headers := read.Spec.HTTP.Headers
	if *headers[0].Value != "99999999999" || *headers[1].Value != "07" || headers[2].Value != nil || headers[2].ValueFrom == nil {
		t.Errorf("the headers are %+v", headers)
	}
}

// admit asks the API server whether it would take a check with this spec; unknown fields are refused, as kubectl has it.
func admit(t *testing.T, kind, spec string) error {
	t.Helper()
	check := &unstructured.Unstructured{}
	manifest := fmt.Sprintf("apiVersion: health.aliascheck.dev/v1alpha1\nkind: %s\nmetadata: {name: it, namespace: default}\nspec: %s\n",
		kind, spec)
	if err := yaml.Unmarshal([]byte(manifest), &check.Object); err != nil {
		t.Fatal(err)
	}
	return api.Create(t.Context(), check, client.DryRunAll, client.FieldValidation("Strict"))
}
