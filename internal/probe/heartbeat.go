package probe

import (
	"context"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// Leases reads one Lease, live. Errors are those of the API.
type Leases interface {
	Lease(ctx context.Context, namespace, name string) (*coordinationv1.Lease, error)
}
