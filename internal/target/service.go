package target

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func (o *Observer) service(ctx context.Context, ref Reference) (health.Observation, error) {
	service := &corev1.Service{}
	found, err := o.get(ctx, ref.key(), service)
	if err != nil {
		return health.Observation{}, err
	}
	if !found {
		return missing(ref), nil
	}
	itself := health.Member{APIVersion: "v1", Kind: kindService, Namespace: service.Namespace, Name: service.Name}
	if member, ok := annotated(itself, service.Annotations, ref.At); ok {
		return one(member), nil
	}
	if ref.ConditionType != "" {
		return one(conditionMember(itself, ref, service.Status.Conditions)), nil
	}
	return o.membersOfService(ctx, ref, service, itself)
}

func (o *Observer) membersOfService(
	ctx context.Context, ref Reference, service *corev1.Service, itself health.Member,
) (health.Observation, error) {
	members, err := o.checks(ctx, ref.Namespace, ref.At, client.MatchingFields{byService: ref.Name})
	if err != nil {
		return health.Observation{}, err
	}
	slices := &discoveryv1.EndpointSliceList{}
	err = o.Client.List(ctx, slices, client.InNamespace(ref.Namespace),
		client.MatchingFields{byService: ref.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return health.Observation{}, fmt.Errorf("listing the EndpointSlices of %s: %w", ref, err)
	}
	if len(slices.Items) > 0 {
		members = append(members, endpointsMember(itself, slices.Items))
	}
	return health.Observation{
		Combined: true,
		Members:  members,
		Message:  nothingCounts(ref, service),
	}, nil
}

func nothingCounts(ref Reference, service *corev1.Service) string {
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return fmt.Sprintf("no HealthCheck counts towards %s, and it is an ExternalName, which has no endpoints: "+
			"give it a HealthCheck with this serviceRef", ref)
	}
	return fmt.Sprintf("no HealthCheck counts towards %s, and it has no EndpointSlices", ref)
}

// endpointsMember is the endpoints of a Service, which count as one check: one ready endpoint will do.
func endpointsMember(service health.Member, slices []discoveryv1.EndpointSlice) health.Member {
	for i := range slices {
		if HasReadyEndpoint(&slices[i]) {
			service.State = v1alpha1.StatePassing
			return service
		}
	}
	service.State = v1alpha1.StateCritical
	service.Reason = v1alpha1.ReasonNoReadyEndpoints
	service.Message = "no endpoint is ready"
	service.Telling = true
	return service
}

// HasReadyEndpoint reports whether an endpoint of a slice is ready. One that does not say counts as ready, as the API has
// it. One that says that it does not serve is not: with publishNotReadyAddresses the API has all of them as ready.
func HasReadyEndpoint(slice *discoveryv1.EndpointSlice) bool {
	for _, endpoint := range slice.Endpoints {
		if orTrue(endpoint.Conditions.Ready) && orTrue(endpoint.Conditions.Serving) {
			return true
		}
	}
	return false
}

func orTrue(said *bool) bool { return said == nil || *said }
