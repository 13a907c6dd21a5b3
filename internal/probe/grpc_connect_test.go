package probe

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// It is of this package, and its server at the end of a pipe, so that the minute passes on a clock of its own.
func TestGRPCWaitsForASilentServerUntilTheLimitAndNoOtherDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := &v1alpha1.HealthCheck{Spec: v1alpha1.HealthCheckSpec{
			Interval: &metav1.Duration{Duration: time.Minute}, Timeout: &metav1.Duration{Duration: time.Minute},
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		call := &grpcCall{attempt: newAttempt(check, "grpc api.shop:9000")}
		call.attempt.enter(awaiting)
		client, err := grpc.NewClient("passthrough:///api.shop:9000",
			append(call.options(ctx, insecure.NewCredentials()), grpc.WithContextDialer(silence))...)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		began := time.Now()
		got := call.check(ctx, client, "")
		if want := "grpc api.shop:9000: timed out after 1m while waiting for the response"; got.Message != want {
			t.Errorf("after %s the message is %q, want %q", time.Since(began), got.Message, want)
		}
	})
}

// silence connects to a server that reads and never writes.
func silence(context.Context, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	return client, nil
}
