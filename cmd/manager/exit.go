package main

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
)

// exitInTime ends the process a limit after the context has ended, unless what it returns was called before.
func exitInTime(ctx context.Context, limit time.Duration, exit func(code int)) (ended func()) {
	over, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-over.Done():
		case <-time.After(limit):
			ctrl.Log.Info("The API server holds up the end of the manager, which does not wait for it")
			exit(exitFailed)
		}
	})
	return func() { stop(); end() }
}
