package probe

import (
	"context"
	"time"

	"k8s.io/utils/clock"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe/expect"
)

// The types of a HealthCheck, as status.type and metrics show them.
const (
	typeHTTP      = "http"
	typeTCP       = "tcp"
	typeGRPC      = "grpc"
	typeUDP       = "udp"
	typeDNS       = "dns"
	typeHeartbeat = "heartbeat"
	typeJob       = "job"
)

// Options are what probes are made with.
type Options struct {
	// Guard judges every address before it is connected to. Without one the default denials hold.
	Guard *Guard
	// Consents is asked before anything of another namespace is reached; nil where everything may be.
	Consents Consents
	// Methods that HTTP probes may use: GET, HEAD and OPTIONS by default. A body is sent if any other is among them.
	Methods []string
	// Resolver looks names up; the system's where it is nil.
	Resolver Resolver
	// Nameservers are the addresses of the DNS servers that a dns probe without a server asks; those of the system where it
	// is nil. They are the operator's choice, and do not pass the guard.
	Nameservers func() ([]string, error)
	// Secrets, ConfigMaps, Leases and Jobs read the cluster. A probe that needs one that is nil fails and says so.
	Secrets    Secrets
	ConfigMaps ConfigMaps
	Leases     Leases
	Jobs       Jobs
	// SawCertificate is told after each probe with TLS when the certificate that ends first does; it may be nil.
	SawCertificate func(check *v1alpha1.HealthCheck, notAfter time.Time)
	// Clock tells how old a heartbeat is; the real one where it is nil.
	Clock clock.PassiveClock
}

// Probes is the Prober of every source.
type Probes struct {
	dialer         dialer
	methods        []string
	nameservers    func() ([]string, error)
	expressions    *expect.Compiler
	secrets        Secrets
	configMaps     ConfigMaps
	leases         Leases
	jobs           Jobs
	sawCertificate func(check *v1alpha1.HealthCheck, notAfter time.Time)
	clock          clock.PassiveClock
	beats          *beats
}

var _ Prober = (*Probes)(nil)

// New makes a prober of every source.
func New(options Options) *Probes {
	if options.Guard == nil {
		options.Guard = NewGuard(nil, nil)
	}
	if len(options.Methods) == 0 {
		options.Methods = ReadingMethods
	}
	if options.Resolver == nil {
		options.Resolver = systemResolver
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.Nameservers == nil {
		options.Nameservers = systemNameservers
	}
	return &Probes{
		dialer:         dialer{guard: options.Guard, resolver: options.Resolver, consents: options.Consents},
		methods:        options.Methods,
		nameservers:    options.Nameservers,
		expressions:    expect.NewCompiler(),
		secrets:        options.Secrets,
		configMaps:     options.ConfigMaps,
		leases:         options.Leases,
		jobs:           options.Jobs,
		sawCertificate: options.SawCertificate,
		clock:          options.Clock,
		beats:          newBeats(),
	}
}

// TypeOf names the source of a spec: http, tcp, grpc, udp, dns, heartbeat or job. It is empty for a spec that
// has none.
func TypeOf(spec v1alpha1.HealthCheckSpec) string {
	switch {
	case spec.HTTP != nil:
		return typeHTTP
	case spec.TCP != nil:
		return typeTCP
	case spec.GRPC != nil:
		return typeGRPC
	case spec.UDP != nil:
		return typeUDP
	case spec.DNS != nil:
		return typeDNS
	case spec.Heartbeat != nil:
		return typeHeartbeat
	case spec.Job != nil:
		return typeJob
	default:
		return ""
	}
}

// Probe looks once at the subject of a check.
func (p *Probes) Probe(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	switch TypeOf(check.Spec) {
	case typeHTTP:
		return p.http(ctx, check)
	case typeTCP:
		return p.tcp(ctx, check)
	case typeGRPC:
		return p.grpc(ctx, check)
	case typeUDP:
		return p.udp(ctx, check)
	case typeDNS:
		return p.dns(ctx, check)
	case typeHeartbeat:
		return p.heartbeat(ctx, check)
	case typeJob:
		return p.job(ctx, check)
	default:
		return failed("nothing to probe: set exactly one of http, tcp, grpc, udp, dns, heartbeat or job")
	}
}

func passed(message string) Result {
	return Result{Outcome: health.Passed, Reason: v1alpha1.ReasonProbeSucceeded, Message: health.Bounded(message)}
}

func warned(message string) Result {
	return Result{Outcome: health.Warned, Reason: v1alpha1.ReasonProbeWarning, Message: health.Bounded(message)}
}

func failed(message string) Result { return failedFor(v1alpha1.ReasonProbeFailed, message) }

func failedFor(reason, message string) Result {
	return Result{Outcome: health.Failed, Reason: reason, Message: health.Bounded(message)}
}
