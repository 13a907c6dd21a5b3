package probe

import (
	"context"
	"net/netip"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Consents knows which hosts and addresses belong to Services of other namespaces, and whether those consent to be probed.
// An error says that it could not be found out.
type Consents interface {
	ReachesName(ctx context.Context, namespace, host string) (bool, error)
	ReachesAddress(ctx context.Context, namespace string, addr netip.Addr) (bool, error)
}

// mayAskFor is nil for a host that the check may reach by its name. It is asked before the name is looked up: whether that
// exists is the other namespace's to tell.
func (d dialer) mayAskFor(ctx context.Context, a *attempt, host string) error {
	if d.consents == nil {
		return nil
	}
	return a.consented(d.consents.ReachesName(ctx, a.namespace, host))
}

// mayReach is nil for an address that the check may connect to, whatever name led there and whatever it is embedded in.
func (d dialer) mayReach(ctx context.Context, a *attempt, addr netip.Addr) error {
	if d.consents == nil {
		return nil
	}
	for _, form := range formsOf(addr) {
		if err := a.consented(d.consents.ReachesAddress(ctx, a.namespace, form)); err != nil {
			return err
		}
	}
	return nil
}

// consented turns an answer into an error. It does not say whose the address is.
func (a *attempt) consented(consents bool, err error) error {
	switch {
	case err != nil:
		return &ReadError{"the consent of another namespace could not be read", err}
	case !consents:
		return &refusedError{v1alpha1.ReasonRefNotPermitted, "it belongs to a Service of another namespace, " +
			"which has no ReferenceGrant from the HealthChecks of namespace " + a.namespace + " to it"}
	}
	return nil
}
