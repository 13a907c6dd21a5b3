package plugin

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/aliascheck/aliascheck/internal/wallboard"
)

func (o *options) uiCommand() *cobra.Command {
	listen, managerNamespace, all := "127.0.0.1:0", "aliascheck-system", true
	c := &cobra.Command{
		Use:   "ui",
		Short: "Serve a page with all checks as a tree, live, on loopback. It reads with your rights and writes nothing.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.allNamespaces = all
			return o.serve(c.Context(), listen, managerNamespace)
		},
	}
	c.Flags().StringVar(&listen, "listen", listen, "address to listen on; whoever reaches it sees what you may see")
	c.Flags().StringVar(&managerNamespace, "manager-namespace", managerNamespace, "the namespace that the manager runs in")
	c.Flags().BoolVarP(&all, "all-namespaces", "A", all, "the checks of all namespaces; otherwise of that of the context")
	return c
}

func (o *options) serve(ctx context.Context, listen, managerNamespace string) error {
	config, err := o.config.ToRESTConfig()
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, err := o.namespace()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", listen, err)
	}
	fmt.Fprintf(o.Out, "http://%s/  (Ctrl-C ends it)\n", listener.Addr())
	return wallboard.Serve(ctx, listener, wallboard.Options{
		Config: config, Namespace: namespace, ManagerNamespace: managerNamespace,
	})
}
