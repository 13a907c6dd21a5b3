package status

import (
	"context"
	"errors"
	"net"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/live"
	"github.com/aliascheck/aliascheck/internal/target"
)

// WhyUnreadable tells a read error to users. It leaves out what differs each time, such as ports.
func WhyUnreadable(err error) string {
	var status apierrors.APIStatus
	var network net.Error
	switch {
	case errors.Is(err, live.ErrOverShare):
		return live.ErrOverShare.Error()
	case errors.Is(err, target.ErrNotYet):
		return "the API server has not answered yet"
	case errors.Is(err, health.ErrUnconfirmed):
		return "the API server fails to list and watch what it is read from"
	case errors.As(err, &status) && status.Status().Reason != "":
		return "the API server says " + string(status.Status().Reason)
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return "the API server does not answer"
	default:
		return "see the log of the manager"
	}
}
