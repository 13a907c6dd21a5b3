package target

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// byAddress finds the Services and EndpointSlices that have an address.
const byAddress = "address"

// probes is who needs the ReferenceGrants that probes ask for. No alias has that name.
var probes = types.NamespacedName{Name: "probes"}

// ProbeConsent knows what belongs to Services of other namespaces: their names, ClusterIPs and endpoints. A namespace
// consents to the probes of another with a ReferenceGrant from HealthCheck to Service. Where the kind cannot be read there
// is no consent.
//
// The cache must hold Services and EndpointSlices as StripAddressed leaves them.
type ProbeConsent struct {
	Cache   client.Reader
	Watches *Watches
}

// IndexAddresses lets Services and EndpointSlices be found by their addresses.
func IndexAddresses(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &corev1.Service{}, byAddress, func(object client.Object) []string {
		return addressKeys(object.(*corev1.Service).Spec.ClusterIPs)
	})
	if err != nil {
		return fmt.Errorf("indexing Services by address: %w", err)
	}
	err = indexer.IndexField(ctx, &discoveryv1.EndpointSlice{}, byAddress, func(object client.Object) (keys []string) {
		for _, endpoint := range object.(*discoveryv1.EndpointSlice).Endpoints {
			keys = append(keys, addressKeys(endpoint.Addresses)...)
		}
		return keys
	})
	if err != nil {
		return fmt.Errorf("indexing EndpointSlices by address: %w", err)
	}
	return nil
}

// addressKeys spell each address in one way, and leave out what is not an address, such as None and names.
func addressKeys(texts []string) (keys []string) {
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil {
			keys = append(keys, addr.Unmap().String())
		}
	}
	return keys
}

// ReachesName reports whether checks of a namespace may reach a host by its name. It does not matter whether there is such a
// Service, so that the answer does not tell: but for a name of two labels, which may as well be one outside of the cluster.
func (p *ProbeConsent) ReachesName(ctx context.Context, namespace, host string) (bool, error) {
	service, certain := serviceOf(host)
	if service.Namespace == "" || service.Namespace == namespace {
		return true, nil
	}
	if !certain {
		found, err := (&Observer{Client: p.Cache}).get(ctx, service, &corev1.Service{})
		if err != nil || !found {
			return !found, err
		}
	}
	return p.consents(namespace, service)
}

// serviceOf is the Service that a host may name: web.shop, web.shop.svc, web.shop.svc.cluster.local, also with the name of
// a pod before it. Certain are those with svc.
func serviceOf(host string) (service types.NamespacedName, certain bool) {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	for i := 2; i < len(labels); i++ {
		if labels[i] == "svc" {
			return types.NamespacedName{Namespace: labels[i-1], Name: labels[i-2]}, true
		}
	}
	if len(labels) != 2 {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: labels[1], Name: labels[0]}, false
}

// ReachesAddress reports whether checks of a namespace may connect to an address. Where Services of several namespaces have
// it, each of them is asked: an address that somebody lists as an endpoint of his is not his by that.
func (p *ProbeConsent) ReachesAddress(ctx context.Context, namespace string, addr netip.Addr) (bool, error) {
	owners, err := p.ownersOf(ctx, addr)
	if err != nil {
		return false, err
	}
	for _, owner := range owners {
		if owner.Namespace == namespace {
			continue
		}
		if consents, err := p.consents(namespace, owner); err != nil || !consents {
			return false, err
		}
	}
	return true, nil
}

// ownersOf an address are the Services that have it. A slice of no Service has one without a name.
func (p *ProbeConsent) ownersOf(ctx context.Context, addr netip.Addr) ([]types.NamespacedName, error) {
	at := client.MatchingFields{byAddress: addr.Unmap().String()}
	services, slices := &corev1.ServiceList{}, &discoveryv1.EndpointSliceList{}
	if err := p.Cache.List(ctx, services, at, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Services at an address: %w", err)
	}
	if err := p.Cache.List(ctx, slices, at, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the EndpointSlices at an address: %w", err)
	}
	var owners []types.NamespacedName
	for i := range services.Items {
		owners = append(owners, client.ObjectKeyFromObject(&services.Items[i]))
	}
	for i := range slices.Items {
		slice := &slices.Items[i]
		owners = append(owners, types.NamespacedName{
			Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName],
		})
	}
	return owners, nil
}

func (p *ProbeConsent) consents(from string, service types.NamespacedName) (bool, error) {
	return p.Watches.lease(probes).granted(passage{
		fromKind: kindHealthCheck, fromNamespace: from,
		to: ServiceKind, toNamespace: service.Namespace, toName: service.Name,
	})
}
