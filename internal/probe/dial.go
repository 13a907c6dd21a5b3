package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxAddresses of one name are tried: enough for any cluster, and a bound on what a name can make us do.
const maxAddresses = 16

// Resolver looks names up, as a *net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// systemResolver is Go's own, since a lookup of the C library does not end with its context.
var systemResolver = &net.Resolver{PreferGo: true}

// dialer opens every socket of this package. It resolves the name itself, so that each address passes the
// guard on its own and is then connected to as it is, without a second lookup.
type dialer struct {
	guard    *Guard
	resolver Resolver
	consents Consents
}

// dial connects to the first address of a name, in their own order, that is not denied and answers, until the attempt hangs
// up. The context is the probe's own,
// and not one that net/http or grpc made: those have no deadline, or another, so that an address which hangs
// would take the time of those after it.
func (d dialer) dial(ctx context.Context, a *attempt, network, address string) (accepted net.Conn, err error) {
	err = d.each(ctx, a, network, address, func(conn net.Conn) error {
		a.owns(conn)
		accepted = conn
		return nil
	})
	return accepted, err
}

// each connects to one address of a name after the other, until use is content with one.
func (d dialer) each(ctx context.Context, a *attempt, network, address string, use func(net.Conn) error) error {
	a.enter(resolving)
	destinations, err := d.resolve(ctx, a, address)
	if err != nil {
		return inTime(ctx, err)
	}
	a.connectsTo(len(destinations))
	for i, destination := range destinations {
		var conn net.Conn
		err := d.mayReach(ctx, a, destination.Addr())
		if err == nil {
			conn, err = d.connect(ctx, network, destination, len(destinations)-i)
		}
		if err == nil {
			a.connected(destination.Addr())
			err = use(conn)
		}
		if err == nil {
			return nil
		}
		a.notReached(err)
	}
	return mostTelling(a.unreached())
}

// resolve finds the destinations in the order of the addresses themselves: that of DNS is random, and where the addresses
// disagree a check would say something else at each probe.
func (d dialer) resolve(ctx context.Context, a *attempt, address string) ([]netip.AddrPort, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	host = a.hostOf(host)
	if err := d.mayAskFor(ctx, a, host); err != nil {
		return nil, err
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	var destinations []netip.AddrPort
	for _, addr := range addrs {
		destinations = append(destinations, netip.AddrPortFrom(addr.Unmap(), port))
	}
	slices.SortFunc(destinations, netip.AddrPort.Compare)
	return destinations[:min(len(destinations), maxAddresses)], nil
}

// hostOf is the host to look up. One without a dot is a Service of the check's namespace, as it is for a pod there; as it
// is, it would be looked up in the manager's own namespace, where a namesake could make a dead Service green. Without the svc,
// the resolver would at last ask for web.dev itself, which is somebody's in the internet where a namespace is called as a
// top-level domain is, and before that for a pod web of a Service dev in the manager's namespace.
func (a *attempt) hostOf(host string) string {
	if a.namespace == "" || strings.Contains(host, ".") || strings.EqualFold(host, "localhost") || isNumeric(host) {
		return host
	}
	return host + "." + a.namespace + serviceDomain
}

// serviceDomain is that of all Services, below the domain of the cluster, which the resolver knows. There is no such top-level domain.
const serviceDomain = ".svc"

// isNumeric reports whether a host is an address, also in the forms of inet_aton, such as 0x7f000001.
func isNumeric(host string) bool {
	_, notAddress := netip.ParseAddr(host)
	_, notNumber := strconv.ParseUint(host, 0, 64)
	return notAddress == nil || notNumber == nil
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return "", 0, plainError("the address must be a host and a port, such as db.shop:5432 or [fd00::1]:5432")
	}
	number, err := strconv.ParseUint(service, 10, 16)
	if err != nil || number == 0 {
		return "", 0, plainError("the port must be from 1 to 65535")
	}
	return host, uint16(number), nil
}

func (d dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, err
}

// connect opens one socket. It may use its share of the time that is left, so that an address which hangs
// leaves some for those after it.
func (d dialer) connect(ctx context.Context, network string, to netip.AddrPort, sharers int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(sharers))
		defer cancel()
	}
	socket := net.Dialer{ControlContext: d.guard.control, KeepAlive: -1}
	conn, err := socket.DialContext(ctx, network, to.String())
	if network == "tcp" && isReset(err) {
		return ended(), nil
	}
	return conn, err
}

// ended is a connection that the other side has ended. One that is accepted and reset at once is either seen so, or as
// one that could not be made; as a connection it is told the same each time. A port that refuses is told by another error.
func ended() net.Conn {
	conn, otherSide := net.Pipe()
	_ = otherSide.Close()
	return conn
}

// inTime is the end of the context where it has ended, or ends now: a lookup may notice first, and tells it like a
// timeout of its own.
func inTime(ctx context.Context, err error) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return contextOr(ctx, err)
}

// contextOr is the end of the context where it has ended, which is then the cause of whatever failed.
func contextOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// mostTelling is what the errors of several addresses come to: how those failed that the guard let pass, and
// where it let none pass the denial of the lowest address, since the order of DNS is random.
func mostTelling(errs []error) error {
	var denials []*DeniedError
	var others []error
	for _, err := range errs {
		if denied, ok := errors.AsType[*DeniedError](err); ok {
			denials = append(denials, denied)
		} else {
			others = append(others, err)
		}
	}
	if len(others) > 0 {
		return errors.Join(others...)
	}
	return slices.MinFunc(denials, func(a, b *DeniedError) int { return a.Addr.Compare(b.Addr) })
}
