package v1alpha1

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Reasons of a HealthCheck, beside ReasonNotYetReported and ReasonReadError, which both kinds have. The list is closed;
// docs/troubleshooting.md explains each.
const (
	// ReasonProbeSucceeded: the last probe found its subject healthy.
	ReasonProbeSucceeded = "ProbeSucceeded"
	// ReasonProbeWarning: the last probe found its subject working, but not well (HTTP 429, a certificate that ends soon,
	// an exit code of warningExitCodes, a heartbeat that says so).
	ReasonProbeWarning = "ProbeWarning"
	// ReasonProbeFailed: the last probe failed.
	ReasonProbeFailed = "ProbeFailed"
	// ReasonAddressDenied: the address guard refused the destination.
	ReasonAddressDenied = "AddressDenied"
	// ReasonMethodDenied: the manager sends no requests with this method, or none with a body.
	ReasonMethodDenied = "MethodDenied"
	// ReasonJobForbidden: the manager may not run Jobs in this namespace.
	ReasonJobForbidden = "JobForbidden"
	// ReasonSecretNotFound: a Secret or a key that the probe needs does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretForbidden: the manager may not read Secrets in this namespace.
	ReasonSecretForbidden = "SecretForbidden"
	// ReasonConfigMapNotFound: a ConfigMap or a key that the probe needs does not exist.
	ReasonConfigMapNotFound = "ConfigMapNotFound"
	// ReasonConfigMapForbidden: the manager may not read ConfigMaps in this namespace.
	ReasonConfigMapForbidden = "ConfigMapForbidden"
	// ReasonMaintenance: the check is in maintenance, by its spec or by annotation, and is not probed.
	ReasonMaintenance = "Maintenance"
	// ReasonInvalidWindow (of the condition Stalled): a maintenance window never opens, for its schedule or its time zone is
	// not one. The state is that of the probes.
	ReasonInvalidWindow = "InvalidWindow"
	// ReasonSuspended: spec.suspend is true, and nothing is known.
	ReasonSuspended = "Suspended"
	// ReasonInitialState: the state is the given spec.initialState, for the first probe has not ended yet.
	ReasonInitialState = "InitialState"
)

// Defaults and bounds of a HealthCheckSpec.
const (
	DefaultInterval     = 10 * time.Second
	MaxDefaultedTimeout = 5 * time.Second
)

// HealthCheckSpec says what to probe, how often, and how many results make a state.
//
// +kubebuilder:validation:XValidation:rule="[has(self.http), has(self.tcp), has(self.grpc), has(self.udp), has(self.dns), has(self.heartbeat), has(self.job)].filter(set, set).size() == 1",message="set exactly one of http, tcp, grpc, udp, dns, heartbeat or job: it is what the check looks at"
// +kubebuilder:validation:XValidation:rule="!(has(self.serviceRef) && has(self.nodeName))",message="set serviceRef or nodeName, not both: a check counts towards one Service or one Node"
// +kubebuilder:validation:XValidation:rule="!has(self.timeout) || !has(self.interval) || type(self.timeout) != string || !self.timeout.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') || type(self.interval) != string || !self.interval.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') || duration(self.timeout) <= duration(self.interval)",message="timeout must not be above interval: a probe has to end before the next one is due"
// +kubebuilder:validation:XValidation:rule="!has(self.job) || !has(self.interval) || type(self.interval) != string || !self.interval.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') || duration(self.interval) >= duration('10s')",message="interval must be at least 10s with job: every probe is a Job of its own"
// +kubebuilder:validation:XValidation:rule="!has(self.warningThreshold) || !has(self.failureThreshold) || self.warningThreshold <= self.failureThreshold",message="warningThreshold must not be above failureThreshold: Warning comes before Critical"
type HealthCheckSpec struct {
	// serviceRef names a Service of the same namespace; the check counts towards the aliases of it.
	// +optional
	ServiceRef *LocalServiceReference `json:"serviceRef,omitempty"`

	// nodeName names a Node; the check counts towards the aliases, of its own namespace, of that Node.
	// At most one of serviceRef and nodeName.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="nodeName must be the name of a Node, such as worker-1"
	// +optional
	NodeName string `json:"nodeName,omitempty"`

	// interval from one probe to the next, 1s to 24h. Probes of different checks are spread over it.
	// +kubebuilder:default="10s"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == string && self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="interval must be a duration from 1s to 24h, such as 10s or 1m30s"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`

	// timeout of one probe, 100ms to 1m and never above interval. Default: the smaller of 5s and interval.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == string && self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('100ms') && duration(self) <= duration('1m')",message="timeout must be a duration from 100ms to 1m, such as 500ms or 5s"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// successThreshold is how many consecutive successes show Passing or Warning, 1 to 100 (Consul
	// success_before_passing).
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	SuccessThreshold int32 `json:"successThreshold,omitempty"`

	// warningThreshold is how many consecutive failures show Warning, 1 to failureThreshold; no Warning by
	// failures where it is not set (Consul failures_before_warning).
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	WarningThreshold *int32 `json:"warningThreshold,omitempty"`

	// failureThreshold is how many consecutive failures show Critical, 1 to 100 (Consul failures_before_critical).
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	FailureThreshold int32 `json:"failureThreshold,omitempty"`

	// initialState is the state until the first probe. Unknown, the default, lets the first result decide at
	// once; any other counts as evidence, and the thresholds hold from the first result on (Consul status).
	// +kubebuilder:validation:Enum=Unknown;Passing;Warning;Critical
	// +kubebuilder:default=Unknown
	// +optional
	InitialState State `json:"initialState,omitempty"`

	// maintenance, where set, puts the check in state Maintenance. Nothing is probed meanwhile.
	// +optional
	Maintenance *Maintenance `json:"maintenance,omitempty"`

	// maintenanceWindows put the check in state Maintenance for a while again and again, by a schedule.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +optional
	MaintenanceWindows []MaintenanceWindow `json:"maintenanceWindows,omitempty"`

	// suspend stops probing; the state is Unknown, the reason Suspended.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// http probes with an HTTP request.
	// +optional
	HTTP *HTTPProbe `json:"http,omitempty"`

	// tcp probes by opening a TCP connection.
	// +optional
	TCP *TCPProbe `json:"tcp,omitempty"`

	// grpc probes with the standard health service, grpc.health.v1.
	// +optional
	GRPC *GRPCProbe `json:"grpc,omitempty"`

	// udp probes by sending a datagram: a refused port fails, silence passes unless a reply is expected.
	// +optional
	UDP *UDPProbe `json:"udp,omitempty"`

	// dns probes by asking a DNS server for the records of a name.
	// +optional
	DNS *DNSProbe `json:"dns,omitempty"`

	// heartbeat looks at a Lease that the subject renews (a TTL check of Consul).
	// +optional
	Heartbeat *HeartbeatProbe `json:"heartbeat,omitempty"`

	// job runs a Job from the template of a CronJob (Consul script check).
	// +optional
	Job *JobProbe `json:"job,omitempty"`
}

// LocalServiceReference names a Service of the same namespace.
type LocalServiceReference struct {
	// name of the Service.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a Service, such as web"
	Name string `json:"name"`
}

// Maintenance is an operator's word that a check is not to be relied on for now.
type Maintenance struct {
	// reason is shown as the message.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason"`

	// until ends it, by the manager's clock. Without it the maintenance lasts until it is taken away.
	// +kubebuilder:validation:XValidation:rule="self > timestamp('1970-01-01T00:00:00Z')",message="until must be a time such as 2026-12-01T06:00:00Z"
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
}

// Planned work that comes again.
type MaintenanceWindow struct {
	// schedule is when it begins, in the cron format of a CronJob: minute, hour, day of the month, month, day of the week.
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9*?/,-]+ +[0-9*?/,-]+ +[0-9*?/,-]+ +[0-9A-Za-z*?/,-]+ +[0-9A-Za-z*?/,-]+)$')",message="schedule must be a cron schedule of five fields, such as 0 2 * * 0 for Sundays at 2:00; the time zone is in timeZone"
	Schedule string `json:"schedule"`

	// duration of the window, from 1m to 168h.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == string && self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="duration must be from 1m to 168h, such as 2h"
	Duration metav1.Duration `json:"duration"`

	// timeZone of the schedule, as in the time zone database; UTC by default.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$') && self != 'Local'",message="timeZone must be the name of a time zone, such as Europe/Berlin or UTC"
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// reason is shown as the message, with the end of the window.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason"`
}

// HTTPProbe is a request whose response is judged: by its status code and, where that passes, by expect. Proxy environment
// variables are ignored, and the body of the response is read up to a bound and thrown away.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || !isURL(self.url) || url(self.url).getScheme() == 'https'",message="tls is for https: begin url with https://, or leave tls out"
// +kubebuilder:validation:XValidation:rule="!has(self.protocol) || !isURL(self.url) || url(self.url).getScheme() == 'http'",message="protocol h2c is HTTP/2 without TLS: begin url with http://, or leave protocol out"
// +kubebuilder:validation:XValidation:rule="[has(self.basicAuth), has(self.bearerToken), has(self.headers) && self.headers.exists(h, h.name.lowerAscii() == 'authorization')].filter(set, set).size() <= 1",message="set at most one of basicAuth, bearerToken and a header Authorization: they are the same header"
// +kubebuilder:validation:XValidation:rule="!has(self.headers) || ['host', 'user-agent'].all(single, self.headers.filter(h, h.name.lowerAscii() == single).size() <= 1)",message="headers must have Host and User-Agent once at most: a request has one of each"
type HTTPProbe struct {
	// url to request, http or https, without credentials. A host without a dot is a Service of the check's namespace.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="url must be an absolute http or https URL, such as http://web.shop:8080/healthz"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[A-Za-z]+://[^/?#]*@')",message="url must not contain credentials: send them with basicAuth, bearerToken, or headers and valueFrom.secretKeyRef"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || self.matches('^[A-Za-z]+://([^/?#]*@)?([^/?#:]*|[[][^/?#]*[]])(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])?)?([/?#].*)?$')",message="url must have a port from 1 to 65535, or none"
	URL string `json:"url"`

	// method of the request.
	// +kubebuilder:validation:Enum=GET;HEAD;POST;PUT;PATCH;DELETE;OPTIONS
	// +kubebuilder:default=GET
	// +optional
	Method string `json:"method,omitempty"`

	// headers of the request, their names sent as they are written; a header may be given more than once.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Headers []HTTPHeader `json:"headers,omitempty"`

	// body of the request.
	// +kubebuilder:validation:MaxLength=16384
	// +optional
	Body string `json:"body,omitempty"`

	// basicAuth sends a user name and a password from a Secret, instead of a header Authorization.
	// +optional
	BasicAuth *BasicAuth `json:"basicAuth,omitempty"`

	// bearerToken sends a token from a Secret, instead of a header Authorization.
	// +optional
	BearerToken *BearerToken `json:"bearerToken,omitempty"`

	// expectedStatuses are the status codes, or ranges of them, that pass: 204, "200-299". 429 is Warning unless it is
	// listed; all else is a failure.
	// +listType=atomic
	// +kubebuilder:default={"200-299"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +optional
	ExpectedStatuses []StatusRange `json:"expectedStatuses,omitempty"`

	// expect is what has to be true of a response whose status passes. All of it is evaluated, and the worst decides.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Expect []Expectation `json:"expect,omitempty"`

	// followRedirects follows up to 10 redirects, each through the address guard; cookies are kept on the way. Where it
	// is false, the redirect itself is judged.
	// +kubebuilder:default=true
	// +optional
	FollowRedirects *bool `json:"followRedirects,omitempty"`

	// protocol to speak where it is not found out: h2c is HTTP/2 without TLS, for an http url.
	// +kubebuilder:validation:Enum=h2c
	// +optional
	Protocol string `json:"protocol,omitempty"`

	// tls for https.
	// +optional
	TLS *TLSConfig `json:"tls,omitempty"`
}

// ProtocolH2C is HTTP/2 without TLS, and without HTTP/1.1 to begin with.
const ProtocolH2C = "h2c"

// A status code, or an inclusive range of them.
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:Type=""
// +kubebuilder:validation:MaxLength=7
// +kubebuilder:validation:XValidation:rule="type(self) == int ? (self >= 100 && self <= 999) : (self.matches('^[1-9][0-9][0-9](-[1-9][0-9][0-9])?$') && (size(self) == 3 || int(self.substring(0, 3)) <= int(self.substring(4))))",message="an expected status must be a code or a range from 100 to 999, the lower first, such as 204 or 200-299"
type StatusRange string

// UnmarshalJSON reads a code that is a number as the same code in quotes.
func (r *StatusRange) UnmarshalJSON(data []byte) error {
	var value intstr.IntOrString
	if err := json.Unmarshal(data, &value); err != nil {
		return fmt.Errorf("reading an expected status: %w", err)
	}
	*r = StatusRange(value.String())
	return nil
}

// One thing that has to be true of a response.
type Expectation struct {
	// that is CEL over the response, and has to be true: response.code (a number), response.headers (lists of values by
	// name in lower case), response.body (its first 64 KiB, as text) and response.json. What is not true, or cannot be
	// evaluated, does not hold.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	That string `json:"that"`

	// otherwise is the state where it does not hold: Critical, the default, is a failure.
	// +kubebuilder:validation:Enum=Critical;Warning
	// +kubebuilder:default=Critical
	// +optional
	Otherwise State `json:"otherwise,omitempty"`

	// message is shown where it does not hold, instead of the expression.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Message string `json:"message,omitempty"`
}

// BasicAuth is a user name and a password.
type BasicAuth struct {
	// secretRef names a Secret of type kubernetes.io/basic-auth, with the keys username and password.
	SecretRef SecretReference `json:"secretRef"`
}

// BearerToken is a token as OAuth 2.0 has it.
type BearerToken struct {
	// secretKeyRef is the token, in a key of a Secret of the check's namespace.
	SecretKeyRef SecretKeyReference `json:"secretKeyRef"`
}

// One header line.
//
// +kubebuilder:validation:XValidation:rule="has(self.value) != has(self.valueFrom)",message="set exactly one of value and valueFrom"
type HTTPHeader struct {
	// name of the header. Host sets the host of the request.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$')",message="a header name must be an HTTP token, such as X-Probe"
	// +kubebuilder:validation:XValidation:rule="!(self.lowerAscii() in ['connection', 'content-length', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])",message="a header name must not be one of the connection's own (Connection, Content-Length, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade): the prober sets what is needed"
	Name string `json:"name"`

	// value of the header, a text or a number.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Type=""
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="type(self) == int || !self.matches('[\\\\x00-\\\\x08\\\\x0a-\\\\x1f\\\\x7f]')",message="a header value must be a single line without control characters"
	// +optional
	Value *string `json:"value,omitempty"`

	// valueFrom reads the value from a Secret.
	// +optional
	ValueFrom *HeaderSource `json:"valueFrom,omitempty"`
}

// UnmarshalJSON reads a value that is a number, of any size, as the same value in quotes.
func (h *HTTPHeader) UnmarshalJSON(data []byte) error {
	type header HTTPHeader
	read := struct {
		*header
		Value json.RawMessage `json:"value"`
	}{header: (*header)(h)}
	if err := json.Unmarshal(data, &read); err != nil {
		return fmt.Errorf("reading a header: %w", err)
	}
	h.Value = nil
	if text := string(read.Value); text != "" && text[0] != '"' && text != "null" {
		h.Value = &text
		return nil
	}
	if err := json.Unmarshal(read.Value, &h.Value); len(read.Value) > 0 && err != nil {
		return fmt.Errorf("reading the value of a header: %w", err)
	}
	return nil
}

// HeaderSource is where a header value comes from.
type HeaderSource struct {
	// secretKeyRef is a key of a Secret of the check's namespace.
	SecretKeyRef SecretKeyReference `json:"secretKeyRef"`
}

// SecretKeyReference is a key of a Secret of the check's own namespace.
type SecretKeyReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a Secret, such as web-token"
	Name string `json:"name"`

	// key within the Secret's data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="key must be a key of a Secret's data, such as token or ca.crt"
	Key string `json:"key"`
}

// SecretReference names a Secret of the check's own namespace.
type SecretReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a Secret, such as web-client"
	Name string `json:"name"`
}

// ConfigMapKeyReference is a key of a ConfigMap of the check's own namespace.
type ConfigMapKeyReference struct {
	// name of the ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a ConfigMap, such as kube-root-ca.crt"
	Name string `json:"name"`

	// key within the ConfigMap's data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="key must be a key of a ConfigMap's data, such as ca.crt"
	Key string `json:"key"`
}

// TLSConfig says how the other side is verified, and who we are to it. At least TLS 1.2 is spoken.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.caSecretRef) && has(self.caConfigMapRef))",message="set caSecretRef or caConfigMapRef, not both: one bundle says which authorities are trusted"
type TLSConfig struct {
	// serverName is verified in the certificate and sent as SNI, instead of the host of the address.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^[0-9A-Za-z]([-0-9A-Za-z_.:]*[0-9A-Za-z.])?$')",message="serverName must be the name of a host, such as web.example.com, without a scheme and a port"
	// +optional
	ServerName string `json:"serverName,omitempty"`

	// insecureSkipVerify accepts any certificate.
	// +optional
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`

	// caSecretRef is a PEM bundle of the authorities to trust, instead of the system's.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`

	// caConfigMapRef is a PEM bundle of the authorities to trust, instead of the system's.
	// +optional
	CAConfigMapRef *ConfigMapKeyReference `json:"caConfigMapRef,omitempty"`

	// clientCertSecretRef is a Secret of type kubernetes.io/tls whose certificate is presented.
	// +optional
	ClientCertSecretRef *SecretReference `json:"clientCertSecretRef,omitempty"`

	// warnBeforeExpiry is how long before the end of a certificate of the server's chain the check is Warning, 1m to
	// 10000h: 336h are two weeks.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == string && self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('10000h')",message="warnBeforeExpiry must be a duration from 1m to 10000h, such as 336h for two weeks"
	// +optional
	WarnBeforeExpiry *metav1.Duration `json:"warnBeforeExpiry,omitempty"`
}

// Address is a host and a port.
//
// +kubebuilder:validation:MaxLength=261
// +kubebuilder:validation:XValidation:rule="self.matches('^(\\\\[[0-9A-Fa-f:.%a-z]+\\\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$') && int(self.substring(self.lastIndexOf(':') + 1)) >= 1 && int(self.substring(self.lastIndexOf(':') + 1)) <= 65535",message="address must be a host and a port from 1 to 65535, such as db.shop:5432 or [fd00::1]:5432"
type Address string

// TCPProbe passes when a connection is accepted and, with tls, the handshake succeeds.
type TCPProbe struct {
	// address to connect to. A host without a dot is a Service of the check's namespace.
	Address Address `json:"address"`

	// tls, where set, is spoken: the handshake has to succeed too.
	// +optional
	TLS *TLSConfig `json:"tls,omitempty"`
}

// GRPCProbe asks grpc.health.v1.Health/Check. SERVING passes; all else is a failure.
//
// +kubebuilder:validation:XValidation:rule="!has(self.headers) || self.headers.all(h, !h.name.lowerAscii().startsWith('grpc-') && !(h.name.lowerAscii() in ['host', 'content-type', 'user-agent']))",message="headers must not be ones of gRPC's own (grpc-…, Content-Type, User-Agent), nor Host: that is authority"
type GRPCProbe struct {
	// address to connect to. A host without a dot is a Service of the check's namespace.
	Address Address `json:"address"`

	// service to ask for; empty asks for the server as a whole.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Service string `json:"service,omitempty"`

	// authority is the host that is asked for (the pseudo-header :authority), where that is not tls.serverName or the address.
	// +kubebuilder:validation:MaxLength=261
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^(\\\\[[0-9A-Fa-f:.]+\\\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?$')",message="authority must be a host, with or without a port, such as cart.shop.example"
	// +optional
	Authority string `json:"authority,omitempty"`

	// headers of the call, which gRPC calls metadata.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Headers []HTTPHeader `json:"headers,omitempty"`

	// tls, where set, is spoken; plain HTTP/2 otherwise.
	// +optional
	TLS *TLSConfig `json:"tls,omitempty"`
}

// UDPProbe sends one datagram. An ICMP refusal fails; an answer passes, and so does silence, which takes
// the whole timeout, unless a reply is expected.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.payload) && has(self.payloadBase64))",message="set payload or payloadBase64, not both: they are the bytes of one datagram"
type UDPProbe struct {
	// address to send to. A host without a dot is a Service of the check's namespace.
	Address Address `json:"address"`

	// payload of the datagram, in ASCII.
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\x00-\\\\x7f]*$')",message="payload must be ASCII: give other bytes in payloadBase64, such as /////1QA"
	// +optional
	Payload string `json:"payload,omitempty"`

	// payloadBase64 is the payload of the datagram where that is not text, up to 1024 bytes.
	// +kubebuilder:validation:MaxLength=1368
	// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$')",message="payloadBase64 must be base64 with its padding, such as /////1QA"
	// +optional
	PayloadBase64 string `json:"payloadBase64,omitempty"`

	// expectReply makes silence a failure.
	// +optional
	ExpectReply bool `json:"expectReply,omitempty"`
}

// DNSProbe passes when a DNS server has the records of a name.
//
// +kubebuilder:validation:XValidation:rule="!has(self.expect) || !(self.type in ['A', 'AAAA']) || self.expect.all(e, isIP(e))",message="expect must have IP addresses for the types A and AAAA, such as 192.0.2.1"
type DNSProbe struct {
	// name to ask for, as it stands: no search path is tried. For type PTR it may be an IP address.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == '.' || self.matches('^[0-9A-Za-z_*]([-0-9A-Za-z_]*[0-9A-Za-z_])?(\\\\.[0-9A-Za-z_]([-0-9A-Za-z_]*[0-9A-Za-z_])?)*\\\\.?$') || isIP(self)",message="name must be the whole name of a host or a domain, such as web.example.com"
	Name string `json:"name"`

	// type of the records.
	// +kubebuilder:validation:Enum=A;AAAA;CNAME;TXT;SRV;MX;NS;PTR
	// +kubebuilder:default=A
	// +optional
	Type string `json:"type,omitempty"`

	// server to ask, a host and a port; that of the manager where it is left out. A host without a dot is a Service of
	// the check's namespace.
	// +optional
	Server Address `json:"server,omitempty"`

	// expect are answers that have to be there, as a zone file has them: 192.0.2.1, web.example.com, 10 mail.example.com.
	// Others may be too. Where it is left out, any record of the type passes.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +optional
	Expect []string `json:"expect,omitempty"`
}

// HeartbeatProbe reads a coordination.k8s.io Lease of the check's namespace: renewed within TTL it passes.
// The holder may say otherwise with the annotations health.aliascheck.dev/state and …/message on the Lease.
type HeartbeatProbe struct {
	// leaseName is the name of the Lease.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="leaseName must be the name of a Lease, such as worker"
	LeaseName string `json:"leaseName"`

	// ttl is how old a renewal may be, 1s to 24h.
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) == string && self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="ttl must be a duration from 1s to 24h, such as 30s"
	// +optional
	TTL *metav1.Duration `json:"ttl,omitempty"`
}

// JobProbe runs the job template of a CronJob of the check's namespace, once per interval and never twice
// at once. Exit code 0 passes, those of warningExitCodes are Warning, all else is a failure.
type JobProbe struct {
	// cronJobRef names the CronJob, which is usually suspended.
	CronJobRef CronJobReference `json:"cronJobRef"`

	// warningExitCodes are the exit codes that show Warning instead of counting as a failure, 1 to 255. None by default,
	// for 1 is what most tools exit with when they fail (Consul's rule is [1]).
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=255
	// +optional
	WarningExitCodes []int32 `json:"warningExitCodes,omitempty"`
}

// CronJobReference names a CronJob of the check's own namespace.
type CronJobReference struct {
	// name of the CronJob.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a CronJob, such as e2e-smoke"
	Name string `json:"name"`
}

// HealthCheckStatus is what the probes found.
type HealthCheckStatus struct {
	CheckStatus `json:",inline"`

	// type is the source that is probed: http, tcp, grpc, udp, dns, heartbeat or job.
	// +kubebuilder:validation:MaxLength=16
	// +optional
	Type string `json:"type,omitempty"`

	// consecutiveFailures up to now; it saturates at failureThreshold.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	// +optional
	ConsecutiveFailures int32 `json:"consecutiveFailures,omitempty"`

	// consecutiveSuccesses up to now; it saturates at successThreshold.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	// +optional
	ConsecutiveSuccesses int32 `json:"consecutiveSuccesses,omitempty"`

	// pending is the last result in words, and how many of its kind there were in a row, while these are too few to
	// change the state: "2 of 3 failures: GET http://web.shop:8080/: 503 Service Unavailable".
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Pending string `json:"pending,omitempty"`

	// lastProbeTime is when the probe behind the last write ended; it is not refreshed by itself.
	// +kubebuilder:validation:XValidation:rule="self >= timestamp('0001-01-01T00:00:00Z')",message="lastProbeTime must be a time such as 2026-12-01T06:00:00Z"
	// +optional
	LastProbeTime *metav1.Time `json:"lastProbeTime,omitempty"`
}

// HealthCheck looks at the world, by HTTP, TCP, gRPC, UDP, DNS, a heartbeat or a Job, and holds a state.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=hck,categories=checks
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.status.type`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`
// +kubebuilder:printcolumn:name="Since",type=date,JSONPath=`.status.lastTransitionTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Interval",type=string,JSONPath=`.spec.interval`,priority=1
// +kubebuilder:printcolumn:name="Pending",type=string,JSONPath=`.status.pending`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`,priority=1
type HealthCheck struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what to probe, how often, and how many results make a state.
	Spec HealthCheckSpec `json:"spec"`

	// status is what the probes found.
	// +kubebuilder:default:={"state":"Unknown","reason":"NotYetReported","message":"not reported yet","observedGeneration":-1}
	// +optional
	Status HealthCheckStatus `json:"status,omitempty"`
}

// HealthCheckList is a list of HealthChecks.
//
// +kubebuilder:object:root=true
type HealthCheckList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HealthCheck `json:"items"`
}
