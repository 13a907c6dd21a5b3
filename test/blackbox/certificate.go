package blackbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	certutil "k8s.io/client-go/util/cert"
)

// WriteCertificate writes a new certificate for loopback into a folder, as --metrics-cert-path takes it, and returns those that
// trust it.
func WriteCertificate(folder string) (*x509.CertPool, error) {
	certificate, key, err := certutil.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	for name, content := range map[string][]byte{"tls.key": key, "tls.crt": certificate} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("writing a certificate: %w", err)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(certificate) {
		return nil, errors.New("the certificate cannot be read")
	}
	return pool, nil
}

// Handshake connects by TLS, and says whether the certificate of that address is trusted.
func Handshake(ctx context.Context, address string, trusted *x509.CertPool) func() error {
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: trusted}}
	return func() error {
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("connecting to %s: %w", address, err)
		}
		return connection.Close()
	}
}
