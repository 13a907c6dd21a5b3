package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"k8s.io/client-go/rest"

	"github.com/aliascheck/aliascheck/internal/wallboard"
)

// servePage shows the checks in a browser too, for as long as the demo lasts. The demo itself watches the manager, so that
// the page need not look for its lease.
func servePage(ctx context.Context, config *rest.Config) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the page: %w", err)
	}
	go func() {
		if err := wallboard.Serve(ctx, listener, wallboard.Options{Config: config}); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	fmt.Printf("see it in a browser: http://%s/\n\n", listener.Addr())
	return nil
}
