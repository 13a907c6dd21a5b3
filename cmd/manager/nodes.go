package main

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// mayWatchNodes asks the API server. A manager for the whole cluster is installed with the right, and is not asked for; one
// with rights in some namespaces has it only where somebody has given it that too, for Nodes belong to no namespace. A watch that is
// refused would be tried again without end, and keep the replica from being ready.
func (o *options) mayWatchNodes(ctx context.Context, mgr manager.Manager) (bool, error) {
	if len(o.namespaces) == 0 {
		return true, nil
	}
	api, err := client.New(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return false, fmt.Errorf("making a client: %w", err)
	}
	for _, verb := range []string{"list", "watch"} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Version: "v1", Resource: "nodes"},
		}}
		if err := api.Create(ctx, review); err != nil {
			return false, fmt.Errorf("asking whether Nodes may be read: %w", err)
		}
		if !review.Status.Allowed {
			ctrl.Log.WithName("start").Info("Nodes may not be read, so that they are no targets: they belong to no namespace")
			return false, nil
		}
	}
	return true, nil
}
