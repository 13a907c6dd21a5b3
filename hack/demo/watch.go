package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// change is a check as a watch event showed it.
type change struct {
	check check
	at    time.Time
	gone  bool
}

// check is what the demo shows of a HealthCheck or an AliasCheck.
type check struct {
	name  string // with the kind: AliasCheck/shop
	state v1alpha1.State
	// subject is what a HealthCheck looks at (http), or what an AliasCheck mirrors (HealthCheck/web).
	subject string
	reason  string
	message string
	since   time.Time
	// follows is the name of the check that an alias mirrors; empty where it is not one check.
	follows string
}

// watchChecks watches both kinds in the namespace of the demo until ctx ends.
func watchChecks(ctx context.Context, config *rest.Config) (<-chan change, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the kinds: %w", err)
	}
	checks, err := cache.New(config, cache.Options{
		Scheme:            scheme,
		DefaultNamespaces: map[string]cache.Config{"default": {}},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing to watch the checks: %w", err)
	}
	changes := make(chan change)
	for _, kind := range []client.Object{&v1alpha1.HealthCheck{}, &v1alpha1.AliasCheck{}} {
		informer, err := checks.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watching the checks: %w", err)
		}
		if _, err := informer.AddEventHandler(handlerInto(ctx, changes)); err != nil {
			return nil, fmt.Errorf("watching the checks: %w", err)
		}
	}
	// It ends with ctx, and has nothing else to say.
	go func() { _ = checks.Start(ctx) }()
	return changes, nil
}

func handlerInto(ctx context.Context, changes chan<- change) toolscache.ResourceEventHandler {
	send := func(object any, gone bool) {
		select {
		case changes <- change{check: checkOf(object), at: time.Now(), gone: gone}:
		case <-ctx.Done():
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { send(object, false) },
		UpdateFunc: func(_, object any) { send(object, false) },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			send(object, true)
		},
	}
}

func checkOf(object any) check {
	switch object := object.(type) {
	case *v1alpha1.HealthCheck:
		c := withStatus(&object.Status.CheckStatus)
		c.name, c.subject = "HealthCheck/"+object.Name, object.Status.Type
		return c
	case *v1alpha1.AliasCheck:
		c := withStatus(&object.Status.CheckStatus)
		c.name, c.subject = "AliasCheck/"+object.Name, object.Status.Target
		c.follows = followedCheck(object.Spec.TargetRef)
		return c
	default:
		panic(fmt.Sprintf("a watch of checks delivered a %T", object))
	}
}

func followedCheck(ref *v1alpha1.TargetReference) string {
	if ref == nil || ref.Namespace != "" || ref.ConditionType != "" {
		return ""
	}
	return ref.Kind + "/" + ref.Name
}

func withStatus(status *v1alpha1.CheckStatus) check {
	c := check{state: status.State, reason: status.Reason, message: status.Message}
	if status.LastTransitionTime != nil {
		c.since = status.LastTransitionTime.Time
	}
	return c
}
