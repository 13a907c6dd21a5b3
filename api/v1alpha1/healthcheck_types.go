package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons of a HealthCheck, beside ReasonNotYetReported and ReasonReadError, which both kinds have. The list is closed;
// docs/troubleshooting.md explains each.
const (
	// ReasonProbeSucceeded: the last probe found its subject healthy.
	ReasonProbeSucceeded = "ProbeSucceeded"
	// ReasonProbeWarning: the last probe found its subject working, but not well (HTTP 429, exit code 1, a heartbeat
	// that says so).
	ReasonProbeWarning = "ProbeWarning"
	// ReasonProbeFailed: the last probe failed.
	ReasonProbeFailed = "ProbeFailed"
	// ReasonAddressDenied: the address guard refused the destination.
	ReasonAddressDenied = "AddressDenied"
	// ReasonSecretNotFound: a Secret or a key that the probe needs does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretForbidden: the manager may not read Secrets in this namespace.
	ReasonSecretForbidden = "SecretForbidden"
	// ReasonMaintenance: the check is in maintenance, by its spec or by annotation, and is not probed.
	ReasonMaintenance = "Maintenance"
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
// +kubebuilder:validation:XValidation:rule="[has(self.http), has(self.tcp), has(self.grpc), has(self.udp), has(self.heartbeat), has(self.job)].filter(set, set).size() == 1",message="set exactly one of http, tcp, grpc, udp, heartbeat or job: it is what the check looks at"
// +kubebuilder:validation:XValidation:rule="!(has(self.serviceRef) && has(self.nodeName))",message="set serviceRef or nodeName, not both: a check counts towards one Service or one Node"
// +kubebuilder:validation:XValidation:rule="!has(self.timeout) || !has(self.interval) || !self.timeout.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') || !self.interval.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') || duration(self.timeout) <= duration(self.interval)",message="timeout must not be above interval: a probe has to end before the next one is due"
// +kubebuilder:validation:XValidation:rule="!has(self.job) || !has(self.interval) || !self.interval.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') || duration(self.interval) >= duration('10s')",message="interval must be at least 10s with job: every probe is a Job of its own"
// +kubebuilder:validation:XValidation:rule="!has(self.warningThreshold) || !has(self.failureThreshold) || self.warningThreshold <= self.failureThreshold",message="warningThreshold must not be above failureThreshold: Warning comes before Critical"
type HealthCheckSpec struct {
	// ServiceRef names a Service of the same namespace; the check counts towards the aliases of it.
	// +optional
	ServiceRef *LocalServiceReference `json:"serviceRef,omitempty"`

	// NodeName names a Node; the check counts towards the aliases, of its own namespace, of that Node.
	// At most one of serviceRef and nodeName.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="nodeName must be the name of a Node, such as worker-1"
	// +optional
	NodeName string `json:"nodeName,omitempty"`

	// Interval from one probe to the next, 1s to 24h. Probes of different checks are spread over it.
	// +kubebuilder:default="10s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="interval must be a duration from 1s to 24h, such as 10s or 1m30s"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`

	// Timeout of one probe, 100ms to 1m and never above interval. Default: the smaller of 5s and interval.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('100ms') && duration(self) <= duration('1m')",message="timeout must be a duration from 100ms to 1m, such as 500ms or 5s"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// SuccessThreshold is how many consecutive successes show Passing or Warning, 1 to 100 (Consul
	// success_before_passing).
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	SuccessThreshold int32 `json:"successThreshold,omitempty"`

	// WarningThreshold is how many consecutive failures show Warning, 1 to failureThreshold; no Warning by
	// failures where it is not set (Consul failures_before_warning).
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	WarningThreshold *int32 `json:"warningThreshold,omitempty"`

	// FailureThreshold is how many consecutive failures show Critical, 1 to 100 (Consul failures_before_critical).
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	FailureThreshold int32 `json:"failureThreshold,omitempty"`

	// InitialState is the state until the first probe. Unknown, the default, lets the first result decide at
	// once; any other counts as evidence, and the thresholds hold from the first result on (Consul status).
	// +kubebuilder:validation:Enum=Unknown;Passing;Warning;Critical
	// +kubebuilder:default=Unknown
	// +optional
	InitialState State `json:"initialState,omitempty"`

	// Maintenance, where set, puts the check in state Maintenance. Nothing is probed meanwhile.
	// +optional
	Maintenance *Maintenance `json:"maintenance,omitempty"`

	// Suspend stops probing; the state is Unknown, the reason Suspended.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// HTTP probes with an HTTP request.
	// +optional
	HTTP *HTTPProbe `json:"http,omitempty"`

	// TCP probes by opening a TCP connection.
	// +optional
	TCP *TCPProbe `json:"tcp,omitempty"`

	// GRPC probes with the standard health service, grpc.health.v1.
	// +optional
	GRPC *GRPCProbe `json:"grpc,omitempty"`

	// UDP probes by sending a datagram: a refused port fails, silence passes.
	// +optional
	UDP *UDPProbe `json:"udp,omitempty"`

	// Heartbeat looks at a Lease that the subject renews (Consul TTL check).
	// +optional
	Heartbeat *HeartbeatProbe `json:"heartbeat,omitempty"`

	// Job runs a Job from the template of a CronJob (Consul script check).
	// +optional
	Job *JobProbe `json:"job,omitempty"`
}

// LocalServiceReference names a Service of the same namespace.
type LocalServiceReference struct {
	// Name of the Service.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a Service, such as web"
	Name string `json:"name"`
}

// Maintenance is an operator's word that a check is not to be relied on for now.
type Maintenance struct {
	// Reason is shown as the message.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason"`
}

// HTTPProbe is a request whose status code is judged. Proxy environment variables are ignored, and the
// body of the response is read up to a bound and thrown away.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || !isURL(self.url) || url(self.url).getScheme() == 'https'",message="tls is for https: begin url with https://, or leave tls out"
type HTTPProbe struct {
	// URL to request, http or https, without credentials.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="url must be an absolute http or https URL, such as http://web.shop:8080/healthz"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[A-Za-z]+://[^/?#]*@')",message="url must not contain credentials: send them with headers and valueFrom.secretKeyRef"
	URL string `json:"url"`

	// Method of the request.
	// +kubebuilder:validation:Enum=GET;HEAD;POST;PUT;PATCH;DELETE;OPTIONS
	// +kubebuilder:default=GET
	// +optional
	Method string `json:"method,omitempty"`

	// Headers of the request; a header may be given more than once.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Headers []HTTPHeader `json:"headers,omitempty"`

	// Body of the request.
	// +kubebuilder:validation:MaxLength=16384
	// +optional
	Body string `json:"body,omitempty"`

	// ExpectedStatuses are the status codes, or ranges of them, that pass. 429 is Warning unless it is listed;
	// all else is a failure.
	// +listType=atomic
	// +kubebuilder:default={"200-299"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +optional
	ExpectedStatuses []StatusRange `json:"expectedStatuses,omitempty"`

	// FollowRedirects follows up to 10 redirects, each through the address guard. Where it is false, the
	// redirect itself is judged.
	// +kubebuilder:default=true
	// +optional
	FollowRedirects *bool `json:"followRedirects,omitempty"`

	// TLS for https.
	// +optional
	TLS *TLSConfig `json:"tls,omitempty"`
}

// StatusRange is an HTTP status code or an inclusive range of them: 204, 200-299.
//
// +kubebuilder:validation:MaxLength=7
// +kubebuilder:validation:XValidation:rule="self.matches('^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$') && (size(self) == 3 || int(self.substring(0, 3)) <= int(self.substring(4)))",message="an expected status must be a code or a range from 100 to 599, the lower first, such as 204 or 200-299"
type StatusRange string

// HTTPHeader is one header line.
//
// +kubebuilder:validation:XValidation:rule="has(self.value) != has(self.valueFrom)",message="set exactly one of value and valueFrom"
type HTTPHeader struct {
	// Name of the header. Host sets the host of the request.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$')",message="a header name must be an HTTP token, such as X-Probe"
	Name string `json:"name"`

	// Value of the header.
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0a-\\\\x1f\\\\x7f]')",message="a header value must be a single line without control characters"
	// +optional
	Value *string `json:"value,omitempty"`

	// ValueFrom reads the value from a Secret.
	// +optional
	ValueFrom *HeaderSource `json:"valueFrom,omitempty"`
}

// HeaderSource is where a header value comes from.
type HeaderSource struct {
	// SecretKeyRef is a key of a Secret of the check's namespace.
	SecretKeyRef SecretKeyReference `json:"secretKeyRef"`
}

// SecretKeyReference is a key of a Secret of the check's own namespace.
type SecretKeyReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a Secret, such as web-token"
	Name string `json:"name"`

	// Key within the Secret's data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="key must be a key of a Secret's data, such as token or ca.crt"
	Key string `json:"key"`
}

// SecretReference names a Secret of the check's own namespace.
type SecretReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a Secret, such as web-client"
	Name string `json:"name"`
}

// TLSConfig says how the other side is verified, and who we are to it. At least TLS 1.2 is spoken.
type TLSConfig struct {
	// ServerName is verified in the certificate and sent as SNI, instead of the host of the address.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`

	// InsecureSkipVerify accepts any certificate.
	// +optional
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`

	// CASecretRef is a PEM bundle of the authorities to trust, instead of the system's.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`

	// ClientCertSecretRef is a Secret of type kubernetes.io/tls whose certificate is presented.
	// +optional
	ClientCertSecretRef *SecretReference `json:"clientCertSecretRef,omitempty"`
}

// Address is a host and a port.
//
// +kubebuilder:validation:MaxLength=261
// +kubebuilder:validation:XValidation:rule="self.matches('^(\\\\[[0-9A-Fa-f:.%a-z]+\\\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$') && int(self.substring(self.lastIndexOf(':') + 1)) >= 1 && int(self.substring(self.lastIndexOf(':') + 1)) <= 65535",message="address must be a host and a port from 1 to 65535, such as db.shop:5432 or [fd00::1]:5432"
type Address string

// TCPProbe passes when a connection is accepted.
type TCPProbe struct {
	// Address to connect to.
	Address Address `json:"address"`
}

// GRPCProbe asks grpc.health.v1.Health/Check. SERVING passes; all else is a failure.
type GRPCProbe struct {
	// Address to connect to.
	Address Address `json:"address"`

	// Service to ask for; empty asks for the server as a whole.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Service string `json:"service,omitempty"`

	// TLS, where set, is spoken; plain HTTP/2 otherwise.
	// +optional
	TLS *TLSConfig `json:"tls,omitempty"`
}

// UDPProbe sends one datagram. An ICMP refusal fails; an answer passes, and so does silence, which takes
// the whole timeout.
type UDPProbe struct {
	// Address to send to.
	Address Address `json:"address"`

	// Payload of the datagram.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Payload string `json:"payload,omitempty"`
}

// HeartbeatProbe reads a coordination.k8s.io Lease of the check's namespace: renewed within TTL it passes.
// The holder may say otherwise with the annotations health.aliascheck.dev/state and …/message on the Lease.
type HeartbeatProbe struct {
	// LeaseName is the name of the Lease.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="leaseName must be the name of a Lease, such as worker"
	LeaseName string `json:"leaseName"`

	// TTL is how old a renewal may be, 1s to 24h.
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(\\\\.[0-9]{1,3})?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="ttl must be a duration from 1s to 24h, such as 30s"
	// +optional
	TTL *metav1.Duration `json:"ttl,omitempty"`
}

// JobProbe runs the job template of a CronJob of the check's namespace, once per interval and never twice
// at once. Exit code 0 passes, 1 is Warning, all else is a failure.
type JobProbe struct {
	// CronJobRef names the CronJob, which is usually suspended.
	CronJobRef CronJobReference `json:"cronJobRef"`
}

// CronJobReference names a CronJob of the check's own namespace.
type CronJobReference struct {
	// Name of the CronJob.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="name must be the name of a CronJob, such as e2e-smoke"
	Name string `json:"name"`
}

// HealthCheckStatus is what the probes found.
type HealthCheckStatus struct {
	CheckStatus `json:",inline"`

	// Type is the source that is probed: http, tcp, grpc, udp, heartbeat or job.
	// +kubebuilder:validation:MaxLength=16
	// +optional
	Type string `json:"type,omitempty"`

	// ConsecutiveFailures up to now; it saturates at failureThreshold.
	// +optional
	ConsecutiveFailures int32 `json:"consecutiveFailures,omitempty"`

	// ConsecutiveSuccesses up to now; it saturates at successThreshold.
	// +optional
	ConsecutiveSuccesses int32 `json:"consecutiveSuccesses,omitempty"`

	// LastProbeTime is when the probe behind the last write ended; it is not refreshed by itself.
	// +optional
	LastProbeTime *metav1.Time `json:"lastProbeTime,omitempty"`
}

// HealthCheck looks at the world, by HTTP, TCP, gRPC, UDP, a heartbeat or a Job, and holds a state.
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
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`,priority=1
type HealthCheck struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec HealthCheckSpec `json:"spec"`

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
