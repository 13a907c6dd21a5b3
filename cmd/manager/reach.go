package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// reachTimeout is how long one attempt to reach the API server may take, and reachRetry how soon the next one follows.
	reachTimeout = 5 * time.Second
	reachRetry   = time.Second
)

// waitForAPIServer returns when the API server answers, whatever it says: a node that boots starts its pods before its
// network is whole, and a process that ended then would only be started again, each time later. It says so once, and serves
// /healthz meanwhile, for a kubelet would otherwise end it.
func waitForAPIServer(ctx context.Context, config *rest.Config, healthAddress string) error {
	config = rest.CopyConfig(config)
	config.Timeout = reachTimeout
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	err = reach(ctx, client)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	log, since := ctrl.Log.WithName("start"), time.Now()
	log.Info("The API server cannot be reached; trying again until it can", "server", config.Host, "problem", err.Error())
	stop, err := serveWaiting(ctx, healthAddress)
	if err != nil {
		return err
	}
	defer stop()
	for reach(ctx, client) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reachRetry):
		}
	}
	log.Info("The API server can be reached", "after", time.Since(since).Round(time.Second).String())
	return nil
}

// reach asks for what everybody may ask for. An answer that refuses is an answer.
func reach(ctx context.Context, client discovery.ServerVersionInterfaceWithContext) error {
	_, err := client.ServerVersionWithContext(ctx)
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return nil
	}
	return err
}

// serveWaiting serves /healthz, and says at /readyz that this replica is not ready, until it is stopped.
func serveWaiting(ctx context.Context, address string) (stop func(), err error) {
	if address == "" || address == "0" {
		return func() {}, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the API server cannot be reached yet", http.StatusServiceUnavailable)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: reachTimeout}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			ctrl.Log.Error(err, "Serving /healthz")
		}
	}()
	return func() { _ = server.Close() }, nil // nobody is owed an answer
}
