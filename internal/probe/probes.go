package probe

import (
	"context"

	"k8s.io/utils/clock"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// The types of a HealthCheck, as status.type and metrics show them.
const (
	typeHTTP      = "http"
	typeTCP       = "tcp"
	typeGRPC      = "grpc"
	typeUDP       = "udp"
	typeHeartbeat = "heartbeat"
	typeJob       = "job"
)

// Options are what probes are made with.
type Options struct {
	// Guard judges every address before it is connected to. Without one the default denials hold.
	Guard *Guard
	// Resolver looks names up; the system's where it is nil.
	Resolver Resolver
	// Secrets, Leases and Jobs read the cluster. A probe that needs one that is nil fails and says so.
	Secrets Secrets
	Leases  Leases
	Jobs    Jobs
	// Clock tells how old a heartbeat is; the real one where it is nil.
	Clock clock.PassiveClock
}

// Probes is the Prober of every source.
type Probes struct {
	dialer  dialer
	secrets Secrets
	leases  Leases
	jobs    Jobs
	clock   clock.PassiveClock
	beats   *beats
}

var _ Prober = (*Probes)(nil)

// New makes a prober of every source.
func New(options Options) *Probes {
	if options.Guard == nil {
		options.Guard = NewGuard(nil, nil)
	}
	if options.Resolver == nil {
		options.Resolver = systemResolver
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Probes{
		dialer:  dialer{guard: options.Guard, resolver: options.Resolver},
		secrets: options.Secrets,
		leases:  options.Leases,
		jobs:    options.Jobs,
		clock:   options.Clock,
		beats:   newBeats(),
	}
}

// TypeOf names the source of a spec: http, tcp, grpc, udp, heartbeat or job. It is empty for a spec that
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
	case typeHeartbeat:
		return p.heartbeat(ctx, check)
	case typeJob:
		return p.job(ctx, check)
	default:
		return failed("nothing to probe: set exactly one of http, tcp, grpc, udp, heartbeat or job")
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
